"""The scripts of `usseg completion`, run by the shells that they are for."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from usseg_monai.cli import COMMANDS, main
from usseg_monai.tasks import TASKS

BASH = shutil.which("bash")

_ASK = """
source {script}
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_shtab_usseg 2> /dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `usseg completion bash` prints."""
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setattr("builtins.print", lambda text: printed.append(text))
        assert main(["completion", "bash"]) == 0
    file = tmp_path_factory.mktemp("completion") / "usseg.bash"
    file.write_text("\n".join(printed), encoding="utf-8")
    return file


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("usseg ''", set(COMMANDS)),
        ("usseg pre", {"predict"}),
        ("usseg predict ''", set(TASKS)),
        ("usseg evaluate n", {"nerve"}),
        ("usseg predict nerve in --eng", {"--engine"}),
        ("usseg predict nerve in --engine ''", {"auto", "onnx", "torch"}),
        ("usseg predict nerve pict", {"pictures"}),
        ("usseg predict nerve in -o pict", {"pictures"}),
        ("usseg completion ''", {"bash", "zsh"}),
    ],
)
def test_bash_completes(words: str, expected: set[str], script: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    program = _ASK.format(script=shlex.quote(str(script)), words=words)
    done = subprocess.run([str(BASH), "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert set(done.stdout.split()) == expected


def test_zsh_gets_a_script_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("#compdef usseg") and all(f"    {name}:'" in printed for name in COMMANDS)


def test_other_shells_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "zhs"])
    assert "invalid choice: 'zhs'" in capsys.readouterr().err
