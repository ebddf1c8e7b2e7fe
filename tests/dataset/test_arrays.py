"""Files of probabilities: every type and layout, whole and in bands, and what is no array."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import ShortlistError
from shortlist.core.scores import Uncertainty, scores, segmentation
from shortlist.core.scores.apply import How
from shortlist.core.scores.segmentation import mask_scores
from shortlist.dataset import arrays
from shortlist.dataset.arrays import FilePlanes, Unreadable, array_planes

CHOSEN = [score for score in scores(Uncertainty).values() if score.level == "object"]
TYPES = ["i1", "u1", "i2", "u2", "u4", "f2", "f4", "f8", ">f2", ">f4", ">u2", ">f8"]
PROBABILITIES = np.random.default_rng(0).dirichlet(np.ones(4), (9, 11)).transpose(2, 0, 1)


def stored_as(dtype: str, probabilities: np.ndarray = PROBABILITIES) -> np.ndarray:
    """Probabilities in a type; whole numbers as shares of the greatest."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        return np.rint(probabilities * np.iinfo(kind).max).astype(kind)
    return probabilities.astype(kind)


def read(stored: object, are_logits: bool = False) -> np.ndarray:
    with array_planes(stored, are_logits) as planes:
        return planes.rows(0, planes.shape[1])


def written(folder: Path, array: np.ndarray, name: str = "mask.npy") -> str:
    np.save(folder / name, array)
    return str(folder / name)


@pytest.fixture(params=["whole", "in bands"])
def _size(request, monkeypatch):
    """Files are read whole where they are small; let small ones be large."""
    if request.param == "in bands":
        monkeypatch.setattr(arrays, "_WHOLE", 0)


both_ways = pytest.mark.usefixtures("_size")


@both_ways
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order(tmp_path, dtype, order):
    stored = np.asarray(stored_as(dtype), order=order)
    found = read(written(tmp_path, stored))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, PROBABILITIES, atol=0.005 if "1" in dtype else 1e-3)


@both_ways
@pytest.mark.parametrize("name", ["größe 預測.npy", "with space.npy", "no_suffix", "dots.in.name.npy", "quote'.npy"])
def test_any_name_of_a_file(tmp_path, name):
    with open(tmp_path / name, "wb") as file:
        np.save(file, PROBABILITIES)
    np.testing.assert_allclose(read(str(tmp_path / name)), PROBABILITIES, rtol=1e-6)


@both_ways
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["u1", "f2", "f4"])
def test_an_archive_with_one_array_of_any_name(tmp_path, save, dtype):
    save(tmp_path / "mask.npz", anything=stored_as(dtype))
    np.testing.assert_allclose(read(str(tmp_path / "mask.npz")), PROBABILITIES, atol=0.005)


@both_ways
def test_an_archive_with_two_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "mask.npz", first=PROBABILITIES, second=PROBABILITIES)
    with pytest.raises(ShortlistError, match=r"mask\.npz must be an \.npz file with one array\. Got \['first.npy', "):
        read(str(tmp_path / "mask.npz"))


@pytest.mark.parametrize("dtype", ["f4", "f2", "u1"])
def test_an_array_of_the_document(dtype):
    import fiftyone.core.utils as fou

    np.testing.assert_allclose(read(fou.serialize_numpy_array(stored_as(dtype))), PROBABILITIES, atol=0.005)


def test_a_list_of_the_document():
    np.testing.assert_allclose(read(PROBABILITIES.tolist()), PROBABILITIES, rtol=1e-6)


@pytest.mark.parametrize("stored", [5, 0.5, True, {"a": 1}, [[[0.5]], [[0.5, 0.5]]], ["a"], b"noise"], ids=repr)
def test_what_is_no_array_in_the_document_is_refused_in_the_one_voice(stored):
    with pytest.raises(ShortlistError, match=r"must be .* Got "):
        read(stored)


@both_ways
@pytest.mark.parametrize(
    "shape", [(3,), (3, 4), (1, 4, 4), (2, 3, 4, 4), (0, 4, 4), (3, 0, 4), (3, 4, 0)], ids=lambda shape: str(shape)
)
def test_other_shapes_are_refused(tmp_path, shape):
    path = written(tmp_path, np.zeros(shape, np.float32))
    with pytest.raises(ShortlistError, match=r"\(K, height, width\) with at least 2 classes") as error:
        read(path)
    assert f"float32 of shape {shape}" in str(error.value)


@both_ways
@pytest.mark.parametrize("dtype", ["bool", "complex64", "U3", "S2", "M8[s]"])
def test_other_types_are_refused(tmp_path, dtype):
    path = written(tmp_path, np.zeros((3, 2, 2), dtype))
    with pytest.raises(ShortlistError, match="the probabilities of a mask must be numbers"):
        read(path)


class TestUnreadableFiles:
    """They are counted, not fatal; nothing is ever unpickled."""

    def unreadable(self, path: object) -> None:
        with pytest.raises(Unreadable, match="files that cannot be read"):
            read(str(path))

    @both_ways
    def test_no_such_file(self, tmp_path):
        self.unreadable(tmp_path / "nothing.npy")

    @both_ways
    def test_a_folder(self, tmp_path):
        self.unreadable(tmp_path)

    @both_ways
    @pytest.mark.parametrize(
        "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00", b"\x89PNG\r\n\x1a\n" * 40, b"PK\x03\x04"]
    )
    def test_a_file_of_something_else(self, tmp_path, content):
        (tmp_path / "mask.npy").write_bytes(content)
        self.unreadable(tmp_path / "mask.npy")

    @both_ways
    @pytest.mark.parametrize("kept", [0.99, 0.5, 0.2])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_a_file_cut_short(self, tmp_path, kept, order):
        path = Path(written(tmp_path, np.asarray(PROBABILITIES, order=order)))
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
        self.unreadable(path)

    @both_ways
    def test_a_file_cut_short_while_it_is_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(arrays, "_WHOLE", 0)
        path = Path(written(tmp_path, np.ones((2, 400, 400)) / 2))

        def cut() -> None:
            with array_planes(str(path), False) as planes:
                planes.rows(0, 1)
                path.write_bytes(path.read_bytes()[:5000])
                planes.rows(0, 400)

        with pytest.raises(Unreadable):
            cut()

    @both_ways
    def test_objects_are_never_unpickled(self, tmp_path):
        path = tmp_path / "mask.npy"
        np.save(path, np.array([_Bomb()], dtype=object), allow_pickle=True)
        self.unreadable(path)
        np.savez(tmp_path / "mask.npz", np.array([_Bomb()], dtype=object))
        self.unreadable(tmp_path / "mask.npz")
        assert not _Bomb.exploded

    @both_ways
    def test_a_pickle_that_is_no_array_is_not_opened(self, tmp_path):
        import pickle

        (tmp_path / "mask.npy").write_bytes(pickle.dumps(_Bomb()))
        self.unreadable(tmp_path / "mask.npy")
        assert not _Bomb.exploded

    @both_ways
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_a_damaged_archive(self, tmp_path, save):
        path = tmp_path / "mask.npz"
        save(path, np.random.default_rng(0).random((3, 40, 40)))
        content = bytearray(path.read_bytes())
        for place in range(300, 3000, 7):
            content[place] ^= 0xFF
        path.write_bytes(content)
        self.unreadable(path)

    @both_ways
    def test_an_archive_of_something_else(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "mask.npz", "w") as archive:
            archive.writestr("readme.txt", "no array")
        self.unreadable(tmp_path / "mask.npz")

    @both_ways
    def test_a_header_that_promises_more_than_there_is(self, tmp_path):
        header = io.BytesIO()
        facts = {"descr": "<f4", "fortran_order": False, "shape": (1000, 100_000, 100_000)}
        np.lib.format.write_array_header_1_0(header, facts)
        (tmp_path / "mask.npy").write_bytes(header.getvalue() + bytes(100))
        self.unreadable(tmp_path / "mask.npy")

    def test_an_error_of_our_own_is_not_taken_for_a_bad_file(self, tmp_path):
        path = written(tmp_path, PROBABILITIES)
        with pytest.raises(ValueError, match="a mistake in a formula"), array_planes(path, False):
            raise ValueError("a mistake in a formula")


class _Bomb:
    exploded = False

    def __reduce__(self):
        return (setattr, (_Bomb, "exploded", True))


@st.composite
def bands(draw) -> tuple[str, int, int, int, int]:
    dtype = draw(st.sampled_from(TYPES))
    n_classes, height, width = draw(st.integers(2, 7)), draw(st.integers(1, 20)), draw(st.integers(1, 20))
    return dtype, n_classes, height, width, draw(st.sampled_from([1, 40, 10**6]))


class TestInBands:
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(bands(), st.sampled_from(["segment", "pixel", "class_balanced"]), st.booleans())
    def test_a_file_scores_as_the_array_in_it(self, tmp_path_factory, case, unit, are_logits):
        dtype, n_classes, height, width, size = case
        probabilities = np.random.default_rng(height).dirichlet(np.ones(n_classes), (height, width)).transpose(2, 0, 1)
        path = written(tmp_path_factory.mktemp("bands"), np.ascontiguousarray(stored_as(dtype, probabilities)))
        found = []
        for whole in (10**9, 0):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(arrays, "_WHOLE", whole)
                patch.setattr(segmentation, "_BAND_VALUES", 10**6 if whole else size)
                with array_planes(path, are_logits) as planes:
                    assert isinstance(planes, FilePlanes) == (not whole)
                    found.append(mask_scores(planes, CHOSEN, unit, How("mean")))
        assert found[0].n_segments == found[1].n_segments
        assert found[1].values == pytest.approx(found[0].values, abs=1e-6)

    def test_large_files_are_read_in_bands_and_small_ones_at_once(self, tmp_path, monkeypatch):
        monkeypatch.setattr(arrays, "_WHOLE", 1000)
        for size, in_bands in ((15, False), (16, True)):
            stored = np.full((2, size, 16), 0.5, "f2")
            assert (stored.nbytes > 1000) == in_bands
            with array_planes(written(tmp_path, stored), False) as planes:
                assert isinstance(planes, FilePlanes) == in_bands

    def test_the_file_is_closed_afterwards(self, tmp_path, monkeypatch):
        monkeypatch.setattr(arrays, "_WHOLE", 0)
        with array_planes(written(tmp_path, PROBABILITIES), False) as planes:
            file = planes._file
        assert file.closed


class TestRoom:
    def test_arrays_wait_until_there_is_room_and_one_is_let_in_whatever_its_size(self):
        room, order = arrays._Room(100), []
        entered, leave = threading.Event(), threading.Event()

        def hold() -> None:
            with room.room(500):
                entered.set()
                leave.wait(20)
                order.append("first")

        def come() -> None:
            with room.room(60):
                order.append("second")

        threads = [threading.Thread(target=hold), threading.Thread(target=come)]
        threads[0].start()
        assert entered.wait(20)
        threads[1].start()
        threads[1].join(0.05)
        assert order == []
        leave.set()
        for thread in threads:
            thread.join(20)
        assert order == ["first", "second"]

    def test_an_error_gives_the_room_back(self):
        room = arrays._Room(10)
        with pytest.raises(ZeroDivisionError), room.room(10):
            raise ZeroDivisionError
        with room.room(10):
            pass
