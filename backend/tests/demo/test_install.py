"""A step of the installation runs when what it is made from changed, and explains itself when it fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from demo import install
from demo.install import Step, StepFailed


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one lock file."""
    monkeypatch.setattr(install, "PROJECT", tmp_path)
    monkeypatch.setattr(install, "LOGS", tmp_path / "logs")
    made = tmp_path / "some.lock"
    made.write_text("one==1\n")
    return made


def counting_step(lock: Path, *, exit_status: int = 0) -> Step:
    """Appends a line to `product` each time that it is made."""
    product = lock.with_name("product")
    program = (
        f"open({str(product)!r}, 'a').write('made\\n'); print('almost'); raise SystemExit({exit_status})"
    )
    return Step(
        name="some packages",
        made_from=lambda: [lock],
        stamp=lock.with_name("stamp"),
        make=lambda log: install.run(log, [sys.executable, "-c", program], folder=lock.parent),
        advice="look at the lock",
        products=(product,),
    )


def test_a_step_runs_once_for_one_lock(lock: Path) -> None:
    step = counting_step(lock)
    assert step.bring().startswith("✓ some packages")
    assert step.bring() == "· some packages is up to date"
    assert lock.with_name("product").read_text() == "made\n"


def test_a_changed_lock_or_a_lost_product_runs_it_again(lock: Path) -> None:
    step = counting_step(lock)
    step.bring()
    lock.write_text("one==2\n")
    assert step.bring().startswith("✓")
    lock.with_name("product").unlink()
    assert step.bring().startswith("✓")


def test_a_failing_step_shows_its_log_and_is_tried_again(lock: Path) -> None:
    with pytest.raises(StepFailed) as failure:
        counting_step(lock, exit_status=3).bring()
    assert [line.strip() for line in str(failure.value).splitlines()][-2:] == [
        "| almost",
        "try: look at the lock",
    ]
    assert str(lock.parent / "logs" / "some-packages.log") in str(failure.value)
    assert counting_step(lock).bring().startswith("✓")


def test_every_failure_is_told(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StepFailed, match="exit status 3"):
        install.bring_all([counting_step(lock, exit_status=3)])
    assert capsys.readouterr().out == ""


def test_the_locks_name_no_host_and_hash_everything() -> None:
    for path in (*install.LOCKS, install.BACKEND / "requirements.lock"):
        lines = [line for line in path.read_text().splitlines() if line and not line.lstrip().startswith("#")]
        assert [line for line in lines if "://" in line or "--index" in line or "--find" in line] == []
        named = [line for line in lines if not line.startswith(" ")]
        assert all(line.rstrip(" \\").split(";")[0].count("==") == 1 for line in named)
        assert sum("--hash=sha256:" in line for line in lines) >= len(named)


def test_it_runs_under_a_python_without_any_package() -> None:
    program = f"import sys; sys.path.insert(0, {str(install.BACKEND)!r}); import demo.install"
    subprocess.run([sys.executable, "-S", "-E", "-c", program], check=True)
