"""When the environment that stands for an image is made again."""

import shutil
from pathlib import Path

from logscan_local.stack import environments
from logscan_tools.dockerfiles import Recipe


def test_an_environment_is_made_again_when_its_lock_or_sources_change(tmp_path: Path) -> None:
    package, engine, lock = tmp_path / "package", tmp_path / "engine", tmp_path / "image.lock"
    for folder in ("src", "target"):
        (engine / "rust" / folder).mkdir(parents=True)
    (package / "src" / "__pycache__").mkdir(parents=True)
    (package / "src" / "code.py").write_text("1")
    lock.write_text("a==1")
    recipe = Recipe(lock, (package,), engine, ("run",), "", {})
    first = environments.fingerprint(recipe)
    (package / "src" / "__pycache__" / "code.pyc").write_text("compiled")
    (package / "tests").mkdir()
    (package / "tests" / "test_code.py").write_text("a test")
    (engine / "rust" / "target" / "code.rlib").write_text("compiled")
    assert environments.fingerprint(recipe) == first
    changed = {first, environments.fingerprint(None)}
    (package / "src" / "code.py").write_text("2")
    changed.add(environments.fingerprint(recipe))
    shutil.move(package / "src" / "code.py", package / "src" / "other.py")
    changed.add(environments.fingerprint(recipe))
    lock.write_text("a==2")
    changed.add(environments.fingerprint(recipe))
    (engine / "rust" / "src" / "lib.rs").write_text("code")
    changed.add(environments.fingerprint(recipe))
    assert len(changed) == 6
