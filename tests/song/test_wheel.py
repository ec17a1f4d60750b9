"""A wheel built from the checkout works from an empty folder, with racks and moods inside."""

import sys
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_a_wheel_works_from_an_empty_folder(tmp_path, children):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", TOP]
    assert children.run(*build).returncode == 0
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    site = tmp_path / "site"
    assert children.run(sys.executable, "-m", "zipfile", "-e", wheel, site).returncode == 0
    empty = tmp_path / "empty"
    empty.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import melancholia as mel\n"
        f"assert mel.__file__.startswith({str(site)!r}), mel.__file__\n"
        "assert len(mel.moods()) >= 3 and len(mel.racks.names()) >= 3\n"
        "song = mel.make('longing', seconds=15, seed=1); song.save('song'); print(song.score.matched)"
    )
    done = children.run(sys.executable, "-P", "-c", code, cwd=empty)
    assert done.returncode == 0, done.stderr
    assert (empty / "song" / "master.wav").exists()
