"""The reader and the ultrasound augmentations in a MONAI chain of one's own."""

from importlib.resources import files
from pathlib import Path

from monai.transforms import Compose, LoadImaged, NormalizeIntensityd, RandFlipd

from usseg_monai.data.image_reader import UssegReader
from usseg_monai.transforms.resize import AntialiasedResized
from usseg_monai.transforms.ultrasound import RandGainRampd, RandShadowd, RandSpeckled

chain = Compose(
    [
        LoadImaged("image", reader=UssegReader(), ensure_channel_first=True),
        AntialiasedResized("image", spatial_size=(384, 256)),
        RandFlipd("image", prob=0.5, spatial_axis=0),
        RandGainRampd("image", prob=1.0),
        RandShadowd("image", prob=1.0),
        RandSpeckled("image", prob=1.0),
        NormalizeIntensityd("image"),
    ]
).set_random_state(0)
sample = next(Path(str(files("usseg_monai") / "tasks" / "fetal_head" / "samples")).glob("*HC.png"))
print(tuple(chain({"image": sample})["image"].shape))
