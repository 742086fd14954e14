"""How the shell blocks of pages are read, compared with what was printed, and run by a real bash."""

from pathlib import Path

import pytest
from shellblocks import Block, Command, File, parts, shows
from shellsessions import session

PAGE = """# Page
```console
$ cat > a <<'END'
$ one
END
$ b --c \\
    d   # e
out 1

out 2
```
```yaml
# f.yaml
g: 1
```
```yaml
h: 1
```
```sh
i |
  j
```
"""


def test_the_commands_and_files_of_a_page() -> None:
    assert list(parts(PAGE)) == [
        Block(
            (
                Command("cat > a <<'END'\n$ one\nEND"),
                Command("b --c \\\n    d   # e", ("out 1", "out 2")),
            )
        ),
        File("f.yaml", "# f.yaml\ng: 1\n"),
        Block((Command("i |\n  j"),)),
    ]


def test_a_console_that_begins_with_output_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with a command"):
        list(parts("```console\nout\n```\n"))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a  b", "a b", True),
        ("a", "b", False),
        ("a", "ab", False),
        ("matched 3 of 5", "matched 4 of 5", False),
        (
            "app-log-e9c0b63624911ab700858e74cb6da8ff  3s  12m",
            "app-log-08f7a4b37437851f804532fc94a34fa1  250ms  3m20s",
            True,
        ),
        ("app-log-e9c0b63624911ab700858e74cb6da8ff  3s", "web-log-08f7a4b37437851f804532fc94a34fa1  3s", False),
        ("2026-11-27 23:50:22.394000+00:00  3", "2026-12-01 01:02:03.004000+00:00  3", True),
        ("2026-11-27 23:50:22.394000+00:00  3", "2026-12-01 01:02:03.004000+00:00  4", False),
        ("3e184b1a-39be-42ee-906b-58ed0bd927cb", "1f184b1a-39be-42ee-906b-58ed0bd927cb", True),
        ("a ... z", "a b c z", True),
        ("a(b", "a(b", True),
    ],
)
def test_what_a_page_shows_is_compared_but_for_what_differs_each_time(shown: str, printed: str, same: bool) -> None:
    assert shows(f"before\n  {printed}\nafter\n", (shown,)) is same


def test_lines_come_in_the_order_of_the_page() -> None:
    assert shows("a\nx\nb\n", ("a", "b"))
    assert not shows("b\na\n", ("a", "b"))
    assert not shows("a\n", ("a", "a"))


def test_a_shell_keeps_its_state_and_tells_how_a_command_ended(tmp_path: Path) -> None:
    with session(tmp_path, {"GIVEN": "yes"}) as shell:
        assert shell.run('x="$GIVEN $PWD"; false', 10) == (1, "\n")
        assert shell.run("echo $?", 10) == (0, "1\n\n")
        assert shell.run('cat; echo "$x" >&2', 10) == (0, f"yes {tmp_path}\n\n")
        assert shell.run("sleep 300 & echo $! > pid", 10)[0] == 0
        with pytest.raises(TimeoutError, match="took more than"):
            shell.run("echo before; sleep 300", 0.2)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/cwd").exists()


def test_a_shell_that_ends_is_an_error(tmp_path: Path) -> None:
    with session(tmp_path, {}) as shell, pytest.raises(RuntimeError, match="ended the shell"):
        shell.run("exit 3", 10)
