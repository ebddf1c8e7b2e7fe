"""report.json and report.pdf: whole, both, or not at all."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from shortlist import ShortlistError
from shortlist.core.analysis.report import Report
from shortlist.report import files, pdf
from shortlist.report.files import check_directory, pictured, write_report


@pytest.fixture(scope="module")
def small(report_of):
    return report_of(90, 9, embeddings=0, classes=None, scores=(), dataset="Straße 日本")


@pytest.fixture
def undrawn(monkeypatch):
    """Of what is not about the pages: they are not drawn."""
    monkeypatch.setattr(pdf, "write_pdf", lambda report, path, thumbnails: path.write_bytes(b"%PDF"))


def refusal(sentence: str):
    return pytest.raises(ShortlistError, match=f"^{re.escape(sentence)}$")


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_both_files_are_written_to_a_folder_that_is_made(small, tmp_path):
    folder = tmp_path / "für Ada" / "раунд 1"

    paths = write_report(small, folder)

    assert paths == [folder / "report.json", folder / "report.pdf"]
    assert everything(folder) == ["report.json", "report.pdf"]
    assert paths[1].read_bytes().startswith(b"%PDF")


def test_the_json_is_the_report_with_its_letters_as_they_are(small, tmp_path, undrawn):
    text = write_report(small, tmp_path)[0].read_bytes().decode("utf-8")

    assert '"dataset": "Straße 日本"' in text
    assert json.loads(text) == small.model_dump(mode="json")
    assert Report.model_validate_json(text) == small


def test_others_may_read_the_files(small, tmp_path, undrawn):
    before = os.umask(0o022)
    try:
        paths = write_report(small, tmp_path)
    finally:
        os.umask(before)

    assert [path.stat().st_mode & 0o777 for path in paths] == [0o644, 0o644]


@pytest.fixture(scope="module")
def plain(small, tmp_path_factory):
    """Both files of a report as bytes."""
    return [path.read_bytes() for path in write_report(small, tmp_path_factory.mktemp("plain"))]


def test_the_same_report_gives_the_same_bytes(small, plain, tmp_path):
    assert [path.read_bytes() for path in write_report(small, tmp_path / "b")] == plain


@pytest.mark.parametrize("name", ["report.json", "report.pdf"])
def test_reports_are_not_replaced_unasked(small, tmp_path, name):
    (tmp_path / name).write_text("mine")
    got = f"Got {str(tmp_path)!r} instead. Set overwrite to replace what is there."
    sentence = f"export_dir must be a folder without {name}. {got}"

    with refusal(sentence):
        check_directory(tmp_path, False)
    with refusal(sentence):
        write_report(small, tmp_path)
    assert everything(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_reports_are_replaced_when_asked(small, tmp_path, undrawn):
    for name in ("report.json", "report.pdf"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "notes.txt").write_text("kept")

    write_report(small, tmp_path, overwrite=True)

    assert everything(tmp_path) == ["notes.txt", "report.json", "report.pdf"]
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["dataset"] == "Straße 日本"


def test_checking_makes_nothing(tmp_path):
    assert check_directory(tmp_path / "a" / "b", False) == tmp_path / "a" / "b"
    assert everything(tmp_path) == []


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert check_directory("~/reports", False) == tmp_path / "reports"


def test_a_relative_path_is_one_of_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert check_directory("reports", False) == tmp_path / "reports"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").write_text("")
    with refusal(f"export_dir must be a folder. Got '{tmp_path}/a' instead. Name another: it is a file."):
        check_directory(tmp_path / "a", True)
    with refusal(f"export_dir must be a folder. Got '{tmp_path}/a/b' instead. Name another: '{tmp_path}/a' is a file."):
        check_directory(tmp_path / "a" / "b", True)


def test_a_folder_of_that_name_is_in_the_way(tmp_path):
    (tmp_path / "report.pdf").mkdir()
    with pytest.raises(ShortlistError, match=r"must be a folder without a folder report\.pdf"):
        check_directory(tmp_path, True)


@pytest.mark.parametrize("directory", ["s3://bucket/reports", "gs://bucket"])
def test_places_elsewhere_are_refused(directory):
    with refusal(f"export_dir must be a folder on this machine. Got {directory!r} instead."):
        check_directory(directory, False)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_names_that_no_system_takes_are_refused_at_once(tmp_path, name):
    with pytest.raises(ShortlistError, match=r"^export_dir must be a folder that can be written\. Got .* instead\."):
        check_directory(f"{tmp_path}/{name}", False)


def test_a_folder_that_is_closed_is_refused(tmp_path, monkeypatch):
    # Whoever runs the tests may be allowed everything.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with refusal(
        f"export_dir must be a folder that can be written. Got '{tmp_path}/a' instead. {str(tmp_path)!r} is not open to you."
    ):
        check_directory(tmp_path / "a", False)


class TestFailures:
    @pytest.fixture
    def full_disk(self, monkeypatch):
        def write(report, path, thumbnails):
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pdf, "write_pdf", write)

    def test_a_full_disk_is_said_and_leaves_nothing(self, small, tmp_path, full_disk):
        folder = tmp_path / "a" / "b"
        with refusal(
            f"export_dir must be a folder that can be written. Got {str(folder)!r} instead. No space left on device; no report "
            f"was written."
        ):
            write_report(small, folder)
        assert everything(tmp_path) == []

    def test_a_full_disk_leaves_what_was_there(self, small, tmp_path, full_disk):
        (tmp_path / "report.json").write_text("mine")
        with pytest.raises(ShortlistError):
            write_report(small, tmp_path, overwrite=True)
        assert everything(tmp_path) == ["report.json"]
        assert (tmp_path / "report.json").read_text() == "mine"

    def test_an_interruption_leaves_nothing(self, small, tmp_path, monkeypatch):
        def interrupted(report, path, thumbnails):
            raise KeyboardInterrupt

        monkeypatch.setattr(pdf, "write_pdf", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_report(small, tmp_path / "a")
        assert everything(tmp_path) == []

    @pytest.mark.parametrize("there", [["report.pdf", "report.json"], ["report.pdf"], []])
    def test_where_one_cannot_be_replaced_the_other_is_not(self, small, tmp_path, monkeypatch, undrawn, there):
        for name in there:
            (tmp_path / name).write_text("mine")
        replace = os.replace

        def fails(source, target):
            if os.path.basename(target) == "report.json":
                raise PermissionError(13, "Permission denied")
            replace(source, target)

        monkeypatch.setattr(files.os, "replace", fails)
        with pytest.raises(ShortlistError, match="Permission denied; no report was written"):
            write_report(small, tmp_path, overwrite=True)
        assert everything(tmp_path) == sorted(there)
        assert [(tmp_path / name).read_text() for name in there] == ["mine"] * len(there)

    def test_what_somebody_put_into_a_new_folder_stays(self, small, tmp_path, monkeypatch):
        def write(report, path, thumbnails):
            (tmp_path / "a" / "theirs").write_text("")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pdf, "write_pdf", write)
        with pytest.raises(ShortlistError):
            write_report(small, tmp_path / "a" / "b")
        assert everything(tmp_path) == ["a", "a/theirs"]


def test_pictured_names_what_the_pages_show(report):
    ids = pictured(report)
    shown = [region.sample_id for region in report.embeddings[0].regions]
    shown += [one for group in report.embeddings[0].near_duplicates.groups for one in group]

    assert ids == list(dict.fromkeys(shown))


def test_reports_written_in_threads_are_whole_and_settings_are_as_before(small, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    threads = [threading.Thread(target=write_report, args=(small, tmp_path / str(row))) for row in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({(tmp_path / str(row) / "report.pdf").read_bytes() for row in range(2)}) == 1
    assert dict(matplotlib.rcParams) == before


def test_settings_of_the_user_do_not_reach_the_pages(small, plain, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"text.usetex": True, "font.family": "serif", "figure.facecolor": "black"}):
        changed = write_report(small, tmp_path / "b")[1].read_bytes()
        assert matplotlib.rcParams["font.family"] == ["serif"]

    assert changed == plain[1]


def test_drawing_needs_no_pyplot():
    room = Path(files.__file__).parent
    assert not [path.name for path in room.glob("*.py") if "pyplot" in path.read_text(encoding="utf-8")]


def test_thumbnails_go_into_the_pages_as_they_are(report_of, tmp_path):
    import pypdfium2

    report = report_of(90, 9, classes=None, scores=())
    picture = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    centre = report.embeddings[0].regions[0].sample_id

    path = write_report(report, tmp_path, thumbnails={centre: picture})[1]

    document = pypdfium2.PdfDocument(path)
    images = [one for page in document for one in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])]
    # Where the matrix turns an image over, it is stored upside down.
    found = [np.asarray(one.get_bitmap().to_pil())[:: 1 if one.get_matrix().d > 0 else -1] for one in images]
    assert [one.shape for one in found] == [(7, 9, 3)]
    np.testing.assert_array_equal(found[0], picture)
