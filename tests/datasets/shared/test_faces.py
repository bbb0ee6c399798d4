import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmbench_datasets.shared.face_drawing import Appearance, Pose, draw_face
from mmbench_datasets.shared.faces import Box, FaceDetector, crop_face, read_faces

LOOK = Appearance((160, 170, 180), (150, 180, 220), (30, 40, 60), (90, 60, 40))
AHEAD = Pose(360, 280)


@pytest.fixture
def film(tmp_path):
    def write(*poses):
        path = tmp_path / "film.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"XVID"), 1.0, (720, 576))
        for pose in poses:
            writer.write(draw_face(LOOK, pose))
        writer.release()
        return path

    return write


def test_finds_a_drawn_face_and_not_the_back_of_a_head():
    finder = FaceDetector()
    box = finder.find(draw_face(LOOK, AHEAD))
    assert box is not None
    assert box.contains(360, 280)
    assert 120 < box.width < 260
    assert finder.find(draw_face(LOOK, Pose(360, 280, is_away=True))) is None


@pytest.mark.parametrize(("smile", "eyes"), [(-1.5, 0.0), (0.0, 0.5), (1.5, 1.0)])
def test_finds_every_expression(smile, eyes):
    assert FaceDetector().find(draw_face(LOOK, Pose(330, 260, smile, eyes))) is not None


def test_follows_the_person_it_found_before():
    left, right = (
        draw_face(LOOK, Pose(180, 280)),
        draw_face(Appearance(*[LOOK.background, LOOK.skin, LOOK.hair, LOOK.shirt], size=230), Pose(540, 280)),
    )
    both = np.hstack([left[:, :360], right[:, 360:]])
    larger = FaceDetector().find(both)
    assert larger is not None
    assert larger.x > 360
    finder = FaceDetector()
    finder.find(left)
    assert finder.find(both).x < 360


def test_crop_is_the_square_grown_by_a_tenth():
    frame = np.zeros((200, 300, 3), np.uint8)
    frame[40:160, 90:210] = (0, 0, 255)  # red: a box of 100 grown to 120
    face = np.asarray(Image.open(io.BytesIO(crop_face(frame, Box(100, 50, 100, 100), 60))))
    assert face.shape == (60, 60, 3)
    assert face[..., 0].min() > 230
    assert face[..., 2].max() < 30


def test_crop_beyond_the_frame_repeats_its_edge():
    frame = np.full((100, 100, 3), 90, np.uint8)
    face = np.asarray(Image.open(io.BytesIO(crop_face(frame, Box(60, 60, 80, 50), 32))))
    assert np.abs(face.astype(int) - 90).max() <= 2


def test_a_faceless_frame_takes_the_nearest_box_and_a_faceless_window_none(film):
    away = Pose(360, 280, is_away=True)
    path = film(Pose(200, 280), away, away, Pose(500, 280), away, away)
    bags = read_faces(path, [[0.5, 1.5, 2.5, 3.5], [4.5, 5.5], [6.5]], 32, FaceDetector())
    assert all(face is not None for face in bags[0].faces)
    assert [bag.inferred.tolist() for bag in bags] == [[False, True, True, False], [False, False], [False]]
    assert [bag.faces for bag in bags[1:]] == [[None, None], [None]]
    before, after = (np.asarray(Image.open(io.BytesIO(face)), int) for face in bags[0].faces[1:3])
    assert np.abs(before - after).mean() > 5, "the same place was cut out for both"


def test_a_film_without_any_face(film):
    (bag,) = read_faces(film(Pose(360, 280, is_away=True)), [[0.0]], 32, FaceDetector())
    assert (bag.faces, bag.inferred.tolist()) == ([None], [False])


@pytest.mark.shared
def test_finds_one_face_in_each_photograph(shared):
    finder = FaceDetector()
    for path in sorted((shared / "faces" / "london").glob("*/0[01]*.jpg")):
        assert len(finder.find_all(cv2.imread(str(path)))) == 1, path


@pytest.mark.shared
@pytest.mark.parametrize("name", ["female", "male"])
def test_finds_the_face_in_real_videos(shared, name):
    path = shared / "faces" / "video" / f"head-pose-face-detection-{name}.avi"
    times = [[0.2 * place for place in range(5)], [1.0 + 0.2 * place for place in range(5)]]
    bags = read_faces(path, times, 64, FaceDetector())
    assert all(face is not None for bag in bags for face in bag.faces)
    assert not any(bag.inferred.any() for bag in bags)
    assert [bag.faces for bag in bags] == [bag.faces for bag in read_faces(path, times, 64, FaceDetector())]


@pytest.mark.shared
def test_finds_the_largest_of_two_real_people(shared):
    path = shared / "faces" / "video" / "head-pose-face-detection-female-and-male.avi"
    capture = cv2.VideoCapture(str(path))
    ok, frame = capture.read()
    capture.release()
    assert ok
    finder = FaceDetector()
    boxes = finder.find_all(frame)
    assert len(boxes) == 2
    assert finder.find(frame) == max(boxes, key=lambda box: box.width * box.height)
