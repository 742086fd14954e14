"""The one part that is compiled; without a C compiler the package installs all the same and uses its Python twin."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "logscan_engine._native",
            ["src/logscan_engine/_native.c"],
            depends=[f"src/logscan_engine/_{name}.h" for name in ("clock", "hits", "library", "tally")],
            extra_compile_args=["-O3"],
            libraries=["dl"],
            optional=True,
        )
    ]
)
