"""score_images on real files and datasets: what is written, flagged, grouped, refused and left alone."""

from __future__ import annotations

from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F
from PIL import Image

from shortlist import ShortlistError, score_images, select_samples
from shortlist.api import measuring
from shortlist.core.errors import Cancelled
from shortlist.core.scores import scores
from shortlist.core.scores.image_flags import OTHER_FLAGS, flags
from shortlist.core.scores.image_quality import ImageMetric
from shortlist.dataset.results import Staging, is_complete

FIELD, PROBLEMS, DUPLICATES = "image_quality", "image_quality_problems", "image_quality_duplicates"
METRICS = list(scores(ImageMetric))


def scene(seed: int = 0, width: int = 320, height: int = 240) -> np.ndarray:
    """(h, w, 3) an image without any problem."""
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    for cells in (3, 6, 12, 24, 48, 96, 160):
        image += (
            cv2.resize(rng.normal(size=(cells, cells, 3)), (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.4
        )
    return (255 * (image - image.min()) / (image.max() - image.min())).astype(np.uint8)


@pytest.fixture
def folder(make, tmp_path):
    """Makes a dataset of image files: arrays by file name, or None for a file that is not there."""

    def of(pictures: dict, **fields) -> fo.Dataset:
        samples = []
        for row, (name, image) in enumerate(pictures.items()):
            path = tmp_path / name
            if isinstance(image, bytes):
                path.write_bytes(image)
            elif image is not None:
                path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
            samples.append(fo.Sample(str(path), **{key: values[row] for key, values in fields.items()}))
        return make(samples)

    return of


@pytest.fixture
def good(folder):
    """Six images without problems."""
    return folder({f"{seed}.png": scene(seed) for seed in range(6)})


def flags_of(dataset: fo.Dataset) -> dict[str, list[str]]:
    pairs = zip(dataset.values("filepath"), dataset.values(f"{FIELD}.flags"), strict=True)
    return {Path(path).name: found for path, found in pairs if found}


def paths(dataset: fo.Dataset) -> list[str]:
    return [path for path in dataset.get_field_schema(flat=True) if path.startswith(f"{FIELD}.")]


class TestWhatIsWritten:
    def test_the_values_are_those_of_pillow_s_pixels(self, folder):
        dataset = folder({"one.png": scene(0, 150, 100)})
        path = dataset.first().filepath
        grey = np.asarray(Image.open(path).convert("L")).astype(float)
        score_images(dataset)
        found = dataset.first()[FIELD]
        # Pillow and OpenCV round luma differently.
        assert found.brightness == pytest.approx(grey.mean() / 255, abs=0.002)
        assert found.contrast == pytest.approx(grey.std() / 255, abs=0.002)
        assert (found.width, found.height, found.aspect_ratio) == (150, 100, 1.5)
        assert found.size_bytes == Path(path).stat().st_size
        assert (found.flags, found.n_flags, found.duplicate_group, found.duplicate_of) == ([], 0, None, None)

    def test_summary_and_schema(self, good):
        summary = score_images(good)
        assert (summary.n_samples, summary.n_groups, summary.unreadable, summary.skipped) == (6, 0, [], {})
        assert summary.flags == dict.fromkeys([*flags(), *OTHER_FLAGS], 0)
        assert list(summary.means) == METRICS
        assert summary.means["brightness"] == pytest.approx(np.mean(good.values(f"{FIELD}.brightness")))
        assert "Measured 6 images" in str(summary)
        own = [f"{FIELD}.{name}" for name in METRICS]
        for path in own:
            field = good.get_field(path)
            assert type(field) is (fo.IntField if path.endswith(("width", "height", "bytes")) else fo.FloatField)
            assert field.description.endswith(".")
            assert field.info["shortlist"]["source"]
        assert good.get_field(f"{FIELD}.contrast").description == (
            "The standard deviation of the working image's luma. High: light and dark lie far apart. The working image is in "
            "grey, its longer side 160 pixels."
        )
        assert paths(good)[:4] == [
            f"{FIELD}.{name}" for name in ("flags", "n_flags", "duplicate_group", "duplicate_of")
        ]
        assert isinstance(good.get_field(f"{FIELD}.flags").field, fo.StringField)
        assert good.get_field(FIELD).info["shortlist"]["parameters"]["near_duplicate_distance"] == 6
        assert is_complete(good, FIELD)
        indexed = ("brightness", "sharpness", "focus", "entropy", "flags", "n_flags", "duplicate_group")
        assert {f"{FIELD}.{name}" for name in indexed} == {one for one in good.list_indexes() if FIELD in one}
        groups = {group.name: list(group.paths) for group in good.app_config.sidebar_groups}
        assert set(groups[FIELD]) == set(paths(good)) >= {*own, f"{FIELD}.flags", f"{FIELD}.duplicate_group"}

    def test_some_metrics_and_flags(self, good):
        summary = score_images(good, metrics=["sharpness"], flags=["dark"])
        assert sorted(paths(good)) == [f"{FIELD}.{name}" for name in ("flags", "n_flags", "sharpness")]
        assert (list(summary.means), summary.flags) == (["sharpness"], {"dark": 0})

    def test_values_do_not_depend_on_what_else_is_asked_for(self, good):
        score_images(good)
        everything = good.values(f"{FIELD}.sharpness")
        score_images(good, metrics=["sharpness"], flags=["grey"])
        assert good.values(f"{FIELD}.sharpness") == everything

    def test_twice_gives_the_same_and_keeps_one_of_everything(self, folder, documents):
        dataset = folder({"a.png": scene(0), "b.png": scene(0), "c.png": scene(1) // 8})
        score_images(dataset)

        def state():
            dataset.reload()
            return documents(dataset, ["last_modified_at"]), dataset.app_config.to_dict(), dataset.list_indexes()

        first = state()
        score_images(dataset)
        assert state() == first
        assert sorted(dataset.list_saved_views()) == [DUPLICATES, PROBLEMS]

    def test_a_later_run_leaves_nothing_of_an_earlier_one(self, folder):
        dataset = folder({"a.png": scene(0), "b.png": scene(0), "c.png": scene(1) // 8})
        score_images(dataset)
        score_images(dataset, metrics=["contrast"], flags=["bright"])
        assert sorted(paths(dataset)) == [f"{FIELD}.{name}" for name in ("contrast", "flags", "n_flags")]
        assert flags_of(dataset) == {}
        assert [path for path in dataset.list_indexes() if "sharpness" in path or "duplicate" in path] == []
        assert dataset.list_saved_views() == [PROBLEMS]
        assert len(dataset.load_saved_view(PROBLEMS)) == 0
        raw = dataset._sample_collection.find_one()[FIELD]
        assert set(raw) == {"_cls", "contrast", "flags", "n_flags"}

    def test_values_do_not_depend_on_how_many_images_are_in_memory(self, folder, monkeypatch):
        pictures = {f"{row}.png": scene(row, 100 + 30 * row, 90) if row % 3 else None for row in range(10)}
        dataset = folder(pictures)
        score_images(dataset)
        together = [dict(value.to_dict()) for value in dataset.values(FIELD)]
        monkeypatch.setattr(measuring, "_TOGETHER", 60_000)
        score_images(dataset)
        assert [dict(value.to_dict()) for value in dataset.values(FIELD)] == together

    def test_progress_tells_all_images(self, good):
        told = []
        score_images(good, progress=lambda *step: told.append(step))
        assert (6, 6, "reading images") in told


class TestFlags:
    def test_each_problem_has_its_flag(self, folder):
        flat = np.full((240, 320, 3), (90, 120, 200), np.uint8)
        flat[100:140, 100:140] = (0, 0, 255)
        pictures = {f"good{seed}.png": scene(seed) for seed in range(5)}
        pictures |= {
            "dark.png": scene(10) // 8,
            "bright.png": 244 + scene(11) // 24,
            "blurry.png": cv2.GaussianBlur(scene(12), (0, 0), 6),
            "flat.png": flat,
            "small.png": scene(13, 60, 45),
            "wide.png": scene(14, 960, 80),
            "grey.jpg": cv2.cvtColor(scene(15), cv2.COLOR_BGR2GRAY),
            "rgb.jpg": cv2.cvtColor(cv2.cvtColor(scene(16), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
        }
        summary = score_images(folder(pictures))
        dataset = fo.load_dataset(fo.list_datasets()[-1])
        found = flags_of(dataset)
        assert found.pop("bright.png")[0] == "bright"
        assert found == {
            "dark.png": ["dark"],
            "blurry.png": ["blurry"],
            "flat.png": ["low_information"],
            "small.png": ["odd_size"],
            "wide.png": ["odd_aspect"],
            "grey.jpg": ["grey"],
            "rgb.jpg": ["grey"],
        }
        assert (summary.flags["grey"], summary.flags["dark"]) == (2, 1)

    def test_thresholds_are_parameters(self, good):
        assert score_images(good, flags=["dark"], dark_below=1).flags == {"dark": 6}
        assert score_images(good, flags=["blurry"], blurry_below=9).flags == {"blurry": 6}

    def test_problems_are_a_view_with_most_flags_first(self, folder):
        dataset = folder({"one.png": scene(0) // 8, "two.png": np.zeros((240, 320, 3), np.uint8), "good.png": scene(2)})
        score_images(dataset)
        view = dataset.load_saved_view(PROBLEMS)
        assert [Path(path).name for path in view.values("filepath")] == ["two.png", "one.png"]
        assert view.values(f"{FIELD}.flags") == [["dark", "low_information", "grey"], ["dark"]]
        # It follows the field: no list of ids.
        assert not any("select" in str(stage).lower() for stage in view._serialize())
        dataset.match(F("filepath").ends_with("good.png")).set_field(f"{FIELD}.n_flags", 9).save()
        assert len(dataset.load_saved_view(PROBLEMS)) == 3

    def test_duplicates_are_a_view_of_groups_with_the_first_ahead(self, folder):
        small = cv2.resize(scene(0), (160, 120), interpolation=cv2.INTER_AREA)
        dataset = folder(
            {"b.png": scene(1), "small.png": small, "a.png": scene(0), "c.png": scene(1), "d.png": scene(2)}
        )
        summary = score_images(dataset)
        view = dataset.load_saved_view(DUPLICATES)
        assert [Path(path).name for path in view.values("filepath")] == ["b.png", "c.png", "a.png", "small.png"]
        assert f"2 groups, saved view {DUPLICATES}" in str(summary)

    def test_flags_filter(self, folder):
        dataset = folder({"one.png": scene(0) // 8, "good.png": scene(2)})
        score_images(dataset)
        assert len(dataset.match(F(f"{FIELD}.flags").contains("dark"))) == 1
        assert dataset.count_values(f"{FIELD}.flags") == {"dark": 1}


class TestUnreadable:
    def test_it_is_named_and_the_rest_goes_on(self, folder):
        jpeg = cv2.imencode(".jpg", scene(1))[1].tobytes()
        dataset = folder(
            {
                "good.png": scene(0),
                "missing.png": None,
                "empty.jpg": b"",
                "text.png": b"This is a text.",
                "cut.jpg": jpeg[: len(jpeg) // 2],
                "last ü.jpg": jpeg,
            }
        )
        summary = score_images(dataset)
        assert [(Path(path).name, reason) for path, reason in summary.unreadable] == [
            ("missing.png", "no such file"),
            ("empty.jpg", "empty file"),
            ("text.png", "not an image"),
            ("cut.jpg", "cut off"),
        ]
        assert summary.headline == "Measured 2 images; 4 could not be read"
        assert "missing.png: no such file" in str(summary)
        assert summary.flags["unreadable"] == 4
        assert flags_of(dataset) == {
            name: ["unreadable"] for name in ("missing.png", "empty.jpg", "text.png", "cut.jpg")
        }
        values = dataset.values(f"{FIELD}.brightness")
        assert [value is None for value in values] == [False, True, True, True, True, False]
        assert np.isfinite(summary.means["brightness"])

    def test_none_can_be_read(self, folder):
        dataset = folder({"a.png": None, "b.png": b"text"})
        summary = score_images(dataset)
        assert (summary.flags["unreadable"], summary.n_groups) == (2, 0)
        assert np.isnan(summary.means["brightness"])
        assert "brightness         no image has a value" in str(summary)
        assert dataset.values(f"{FIELD}.duplicate_group") == [None, None]

    def test_many_are_counted(self, make):
        summary = score_images(make([fo.Sample(f"/nowhere/{row}.png") for row in range(9)]))
        assert str(summary).count("no such file") == 5
        assert "and 4 more files" in str(summary)

    def test_the_smallest_images(self, folder):
        summary = score_images(folder({"1.png": np.zeros((1, 1, 3), np.uint8), "2.png": np.ones((2, 3, 3), np.uint8)}))
        assert summary.unreadable == []
        dataset = fo.load_dataset(fo.list_datasets()[-1])
        assert dataset.values(f"{FIELD}.uniform_row_ratio") == [0, 0]
        assert dataset.values(f"{FIELD}.focus") == [None, None]

    def test_what_is_no_image_is_skipped_with_the_reason(self, good):
        good.add_sample(fo.Sample("/nowhere/far.png"))
        # As editions of FiftyOne store it that read from the cloud; the open-source one would make it a local path.
        far = {"$set": {"filepath": "s3://bucket/far.png"}}
        good._sample_collection.update_one({"_id": good.last()._id}, far)
        summary = score_images(good)
        assert summary.skipped == {"with a file that is not on this machine": 1}
        assert summary.n_samples == 6
        assert good.values(FIELD)[-1] is None

    def test_documents_without_a_media_type_are_told_by_their_file(self, good):
        good.add_sample(fo.Sample("/nowhere/far.png"))
        good._sample_collection.update_many({}, {"$unset": {"_media_type": ""}})
        good._sample_collection.update_one({"_id": good.last()._id}, {"$set": {"filepath": "/nowhere/film.mp4"}})
        summary = score_images(good)
        assert (summary.n_samples, summary.skipped) == (6, {"of media type video": 1})

    def test_what_is_no_image_any_more_loses_its_values(self, good):
        score_images(good)
        good._sample_collection.update_one({"_id": good.last()._id}, {"$set": {"filepath": "s3://bucket/far.png"}})
        score_images(good)
        assert [value is None for value in good.values(FIELD)] == [False] * 5 + [True]

    def test_videos_are_refused(self, make, refused):
        dataset = make([fo.Sample("/nowhere/a.mp4"), fo.Sample("/nowhere/b.mp4")])
        with refused(dataset, "the samples must hold images. Got none instead: 2 samples of media type video."):
            score_images(dataset)


class TestDuplicates:
    def groups(self, dataset: fo.Dataset) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for path, group in zip(dataset.values("filepath"), dataset.values(f"{FIELD}.duplicate_group"), strict=True):
            if group is not None:
                found.setdefault(group, []).append(Path(path).name)
        return found

    def test_the_same_pixels_in_any_format_are_exact(self, folder):
        image = scene(0)
        dataset = folder({"a.png": image, "b.bmp": image, "c.tiff": image, "d.webp": scene(1), "e.png": scene(1)})
        # WebP as OpenCV writes it by default is without loss only at quality above 100.
        lossless = cv2.imencode(".webp", scene(1), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
        Path(dataset.values("filepath")[3]).write_bytes(lossless)
        summary = score_images(dataset)
        assert self.groups(dataset) == {1: ["a.png", "b.bmp", "c.tiff"], 2: ["d.webp", "e.png"]}
        assert flags_of(dataset) == {name: ["exact_duplicate"] for name in ("b.bmp", "c.tiff", "e.png")}
        ids = dataset.values("id")
        assert dataset.values(f"{FIELD}.duplicate_of") == [None, ids[0], ids[0], None, ids[3]]
        assert (summary.n_groups, summary.flags["exact_duplicate"], summary.flags["near_duplicate"]) == (2, 3, 0)

    def test_a_large_jpeg_and_its_decoded_copy(self, folder):
        jpeg = cv2.imencode(".jpg", scene(0, 1280, 960), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        pixels = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        almost = pixels.copy()
        almost[0, 0, 0] ^= 1
        dataset = folder({"a.jpg": jpeg.tobytes(), "b.png": pixels, "c.jpg": jpeg.tobytes() + b"\0", "d.png": almost})
        score_images(dataset)
        assert self.groups(dataset) == {1: ["a.jpg", "b.png", "c.jpg", "d.png"]}
        assert flags_of(dataset) == {
            "b.png": ["exact_duplicate"],
            "c.jpg": ["exact_duplicate"],
            "d.png": ["near_duplicate"],
        }

    def test_resized_and_recompressed_images_are_near_and_the_largest_leads(self, folder):
        image = scene(0, 640, 480)
        half = cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA)
        dataset = folder(
            {
                "half.png": half,
                "whole.png": image,
                "worse.jpg": cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes(),
                "other.png": scene(1, 640, 480),
            }
        )
        score_images(dataset, flags=["near_duplicate", "exact_duplicate"])
        assert self.groups(dataset) == {1: ["half.png", "whole.png", "worse.jpg"]}
        whole = dataset.values("id")[1]
        assert dataset.values(f"{FIELD}.duplicate_of") == [whole, None, whole, None]
        score_images(dataset, flags=["exact_duplicate"])
        assert self.groups(dataset) == {}

    def test_only_near_ones_take_equal_ones_too(self, folder):
        dataset = folder({"a.png": scene(0), "b.png": scene(0)})
        assert score_images(dataset, flags=["near_duplicate"]).flags == {"near_duplicate": 1}

    def test_flat_images_are_near_nothing(self, folder):
        black, white = np.zeros((20, 20), np.uint8), np.full((20, 20), 255, np.uint8)
        dataset = folder({"a.png": black, "b.png": white, "c.png": black})
        score_images(dataset, flags=["exact_duplicate", "near_duplicate"])
        assert self.groups(dataset) == {1: ["a.png", "c.png"]}

    def test_by_embeddings(self, folder):
        vectors = [np.array(one, np.float32) for one in ([1, 0], [0, 1], [1, 0.01], [0.5, 0.5])]
        dataset = folder({f"{seed}.png": scene(seed) for seed in range(4)}, clip=vectors)
        score_images(dataset, embeddings="clip", embedding_distance=0.01)
        assert self.groups(dataset) == {1: ["0.png", "2.png"]}
        score_images(dataset, embeddings="clip", embedding_distance=0.5)
        assert self.groups(dataset) == {1: ["0.png", "2.png", "3.png"]}

    def test_the_order_of_the_samples_does_not_count(self, folder):
        dataset = folder({f"{row}.png": scene(row // 2) for row in range(6)})
        score_images(dataset)
        forward = dataset.values(f"{FIELD}.duplicate_of")
        score_images(dataset.sort_by("filepath", reverse=True))
        assert dataset.values(f"{FIELD}.duplicate_of") == forward

    def test_numbers_of_a_later_run_on_a_view_are_new(self, folder):
        dataset = folder({f"{row}.png": scene(row // 2) for row in range(8)})
        score_images(dataset[:4])
        score_images(dataset[4:])
        assert dataset.values(f"{FIELD}.duplicate_group") == [1, 1, 2, 2, 3, 3, 4, 4]
        score_images(dataset[4:])
        assert dataset.values(f"{FIELD}.duplicate_group") == [1, 1, 2, 2, 3, 3, 4, 4]


class TestViews:
    def test_only_the_samples_of_a_view_are_measured(self, good):
        assert score_images(good[:2]).n_samples == 2
        assert [value is not None for value in good.values(FIELD)] == [True] * 2 + [False] * 4

    def test_the_others_keep_what_they_have(self, good):
        score_images(good)
        before = good.values(f"{FIELD}.sharpness")
        score_images(good[:2], metrics=["brightness"])
        assert good.values(f"{FIELD}.sharpness") == [None, None, *before[2:]]

    def test_every_slice_of_groups(self, make, tmp_path):
        dataset = make()
        dataset.add_group_field("group", default="left")
        samples = []
        for row in range(2):
            group = fo.Group()
            for side in ("left", "right"):
                path = tmp_path / f"{row}{side}.png"
                cv2.imwrite(str(path), scene(row if side == "left" else 9))
                samples.append(fo.Sample(str(path), group=group.element(side)))
            samples.append(fo.Sample(f"/nowhere/{row}.mp4", group=group.element("film")))
        dataset.add_samples(samples, progress=False)
        summary = score_images(dataset)
        assert (summary.n_samples, summary.skipped) == (4, {"of media type video": 2})
        assert summary.flags["exact_duplicate"] == 1
        assert score_images(dataset.select_group_slices("left")).n_samples == 2

    def test_a_sample_that_a_view_holds_twice_is_measured_once(self, good):
        assert score_images(good[:3].concat(good[1:4])).n_samples == 4
        assert [value is not None for value in good.values(FIELD)] == [True] * 4 + [False] * 2

    def test_dynamic_groups_are_measured_whole(self, good):
        good.set_values("scene", [1, 1, 1, 2, 2, 2])
        groups = good.group_by("scene")
        assert score_images(groups).n_samples == 6
        assert score_images(groups.limit(1)).n_samples == 3

    def test_patches_are_refused(self, good, refused):
        good.add_sample_field("boxes", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
        box = fo.Detection(label="a", bounding_box=[0, 0, 1, 1])
        good.set_values("boxes", [fo.Detections(detections=[box.copy()]) for _ in range(6)])
        sentence = (
            "the samples must be a dataset or a view of its samples. Got a view of patches instead. Use the view that it "
            "was made from."
        )
        with refused(good, sentence):
            score_images(good.to_patches("boxes"))

    def test_an_empty_dataset_is_refused(self, make, refused):
        dataset = make()
        with refused(dataset, "the samples must hold at least one. Got an empty dataset instead."):
            score_images(dataset)

    def test_one_sample(self, folder):
        assert score_images(folder({"a.png": scene(0)})).flags == dict.fromkeys([*flags(), *OTHER_FLAGS], 0)


class TestRefusals:
    def test_a_field_of_the_user_s(self, good, refused):
        good.add_sample_field(FIELD, fo.FloatField)
        sentence = (
            "the result field 'image_quality' must be new or Shortlist's own. Got a field of yours instead; nothing was "
            "written. Rename it with dataset.rename_sample_field('image_quality', ...) and run again."
        )
        with refused(good, sentence):
            score_images(good)

    def test_a_part_of_the_user_s_inside_our_field(self, good):
        score_images(good)
        good.add_sample_field(f"{FIELD}.note", fo.StringField)
        with pytest.raises(ShortlistError, match=r"the result field 'image_quality\.note' must be new"):
            score_images(good)

    @pytest.mark.parametrize("name", [PROBLEMS, "Image Quality Problems", DUPLICATES, "image-quality duplicates"])
    def test_a_saved_view_of_the_user_s(self, good, refused, name):
        good.save_view(name, good[:1])
        own = PROBLEMS if "roblems" in name else DUPLICATES
        sentence = (
            f"the saved view {own!r} must be new or Shortlist's own. Got a view of yours named {name!r} "
            f"instead; nothing was written. Rename it and run again."
        )
        with refused(good, sentence):
            score_images(good)

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"metrics": ["sharpnes"]}, "Did you mean 'sharpness'?"),
            ({"flags": ["drak"]}, "Did you mean 'dark'?"),
            ({"metrics": []}, "metrics must be a list of at least 1. Got [] instead."),
            ({"near_duplicate_distance": 13}, "near_duplicate_distance must be <= 12. Got 13 instead."),
            ({"dark_below": float("nan")}, "dark_below must be a finite number. Got nan instead."),
            ({"embeddings": "clip"}, "embeddings must be a field of"),
            ({"embeddings": "filepath"}, "embeddings must be a field with one vector a sample. Got 'filepath (String"),
            ({"sharpness_below": 3}, "sharpness_below is not known."),
        ],
    )
    def test_bad_parameters(self, good, snapshot, parameters, sentence):
        before = snapshot(good)
        with pytest.raises(ShortlistError) as caught:
            score_images(good, **parameters)
        assert sentence in str(caught.value)
        assert snapshot(good) == before


class TestInterruptions:
    @pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
    @pytest.mark.parametrize("label", ["reading images", "comparing images", "comparing hashes"])
    def test_stopped_before_the_end_nothing_is_written(self, folder, snapshot, error, label):
        dataset = folder({"a.png": scene(0), "b.png": scene(0), "c.png": scene(1)})
        before = snapshot(dataset)

        def stopping(done, total, at):
            if at == label:
                raise error

        with pytest.raises(type(error)):
            score_images(dataset, progress=stopping)
        assert snapshot(dataset) == before
        score_images(dataset)

    @pytest.mark.parametrize("after", [False, True], ids=["before the merge", "after the merge"])
    def test_a_crash_is_not_complete_and_the_next_run_mends_it(self, good, monkeypatch, after):
        merge = Staging.merge

        def crash(self, *update):
            if after:
                merge(self, *update)
            raise RuntimeError("the database is gone")

        with monkeypatch.context() as patch:
            patch.setattr(Staging, "merge", crash)
            with pytest.raises(RuntimeError):
                score_images(good)
        good.reload()
        assert not is_complete(good, FIELD)
        assert good.list_saved_views() == []
        score_images(good)
        assert is_complete(good, FIELD)
        assert None not in good.values(f"{FIELD}.brightness")

    def test_a_file_that_goes_meanwhile_is_no_duplicate(self, folder):
        dataset = folder({"a.png": scene(0), "b.png": scene(0)})

        def remove(done, total, label):
            if label == "reading images" and done == total:
                Path(dataset.values("filepath")[1]).unlink()

        summary = score_images(dataset, flags=["exact_duplicate"], progress=remove)
        assert summary.flags == {"exact_duplicate": 0}


class TestLightlyKeys:
    def config(self, key: str) -> dict:
        strategy = {"type": "WEIGHTS"}
        return {"n_samples": 1, "strategies": [{"input": {"type": "METADATA", "key": key}, "strategy": strategy}]}

    @pytest.mark.parametrize(
        ("key", "metric"),
        [
            ("lightly.sharpness", "sharpness"),
            ("lightly.uniformRowRatio", "uniform_row_ratio"),
            ("lightly.luminance", "brightness"),
            ("lightly.snr", "snr"),
            ("lightly.sizeInBytes", "size_bytes"),
        ],
    )
    def test_they_mean_what_was_measured(self, good, key, metric):
        score_images(good)
        values = good.values(f"{FIELD}.{metric}")
        picked = select_samples(good, self.config(key), "round_1").view.values(f"{FIELD}.{metric}")
        assert picked == [max(values)]

    def test_they_say_what_to_run_first(self, good, refused):
        sentence = (
            f"strategies[0]: input.key must be a field of {good.name!r}. Got 'lightly.sharpness' instead. It means "
            f"'image_quality.sharpness' here, which is not there yet: run `score_images` first."
        )
        with refused(good, sentence):
            select_samples(good, self.config("lightly.sharpness"), "round_1")
        score_images(good, metrics=["brightness"])
        with refused(good, sentence):
            select_samples(good, self.config("lightly.sharpness"), "round_1")

    def test_a_field_of_that_name_is_itself(self, good):
        good.add_sample_field("lightly", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
        good.add_sample_field("lightly.sharpness", fo.FloatField)
        good.set_values("lightly", [fo.DynamicEmbeddedDocument(sharpness=float(row == 3)) for row in range(6)])
        score_images(good)
        assert select_samples(good, self.config("lightly.sharpness"), "round_1").ids == [good.values("id")[3]]
