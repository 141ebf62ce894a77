"""Canon (formerly Toshiba): the b-value in the image comment, none at b = 0."""

from hepafed.deploy.demo.dialects.dialect import Dialect, Settings, Stated, Weighting


def _diffusion(w: Weighting) -> Stated:
    if not w.b:
        return Stated()
    way = "" if w.direction is None else "({:.3f},{:.3f},{:.3f})".format(*w.direction)
    return Stated({"ImageComments": f"b={w.b:g}{way}"})


CANON = Dialect(
    manufacturer="CANON_MEC",
    model="Vantage Phantom",
    character_set="ISO_IR 192",
    numbering=(1000, 0),
    file_name="A{:07d}",
    agent="EOB",
    settings={
        "t2": Settings(
            scanning="SE", variant="SK", options="FS", kind="2D", echo_time=84.0,
            repetition_time=4615.0, flip_angle=90.0, train=23, pulse="FSE2D",
        ),
        "haste": Settings(
            scanning="SE", variant="SK", options="PFP", kind="2D", echo_time=80.0,
            repetition_time=1300.0, flip_angle=90.0, train=88, pulse="FASE2D",
        ),
        "dwi": Settings(
            scanning="SE\\EP", variant="NONE", options="PFP\\FS", kind="2D", echo_time=65.0,
            repetition_time=5455.0, flip_angle=90.0, train=1, pulse="SEEPI2D+0.7",
        ),
        "t1": Settings(
            scanning="GR", variant="SS\\SP", options="PFP\\FS", kind="3D", echo_time=1.3,
            repetition_time=3.7, flip_angle=12.0, train=1, pulse="FFE3D",
        ),
        "dual": Settings(
            scanning="GR", variant="SP", options="PFP", kind="2D", echo_time=1.15,
            repetition_time=160.0, flip_angle=70.0, train=1, pulse="FE2D",
        ),
        "localizer": Settings(
            scanning="GR", variant="SS", options="PFP", kind="2D", echo_time=2.4,
            repetition_time=5.0, flip_angle=20.0, train=1, pulse="FFE2D",
        ),
    },
    english={
        "t2": "T2 FSE FS Resp", "t2-coronal": "T2 FASE Cor BH",
        "dwi": "DWI b50 b800 Resp", "dwi-low": "DWI b50 Resp", "dwi-high": "DWI b800 Resp",
        "adc": "DWI b50 b800 Resp ADC",
        "t1-pre": "Quick 3Ds pre", "arterial": "Quick 3Ds arterial",
        "portal": "Quick 3Ds portal", "delayed": "Quick 3Ds delay 3 min",
        "hepatobiliary": "Quick 3Ds 20 min", "dynamic": "Quick 3Ds dynamic",
        "subtraction": "Quick 3Ds arterial Sub", "dixon": "Quick 3D WFS BH",
        "dual": "T1 FE In-Out BH", "localizer": "Locator",
    },
    chinese={
        "t2": "T2 FSE FS 呼吸门控", "t2-coronal": "T2 FASE 冠状位",
        "dwi": "DWI 弥散", "dwi-low": "DWI 弥散 低b值", "dwi-high": "DWI 弥散 高b值",
        "adc": "DWI 弥散 ADC", "t1-pre": "Quick 3Ds 平扫", "arterial": "Quick 3Ds 动脉期",
        "portal": "Quick 3Ds 门脉期", "delayed": "Quick 3Ds 延迟期",
        "hepatobiliary": "Quick 3Ds 肝胆期", "dynamic": "Quick 3Ds 动态",
        "subtraction": "Quick 3Ds 减影 Sub", "dixon": "Quick 3D WFS 平扫",
        "dual": "T1 FE 同反相位", "localizer": "Locator 定位",
    },
    parts={"water": "{} WATER", "fat": "{} FAT", "in-phase": "{} IN", "opposed-phase": "{} OUT"},
    image_types=dict.fromkeys(
        ("t2", "haste", "dwi", "direction", "b-zero", "t1", "dual"),
        "ORIGINAL\\PRIMARY\\GDC",
    ) | {
        "localizer": "ORIGINAL\\PRIMARY\\LOCALIZER", "adc": "DERIVED\\PRIMARY\\ADC",
        "water": "DERIVED\\PRIMARY\\WATER", "fat": "DERIVED\\PRIMARY\\FAT",
        "in-phase": "ORIGINAL\\PRIMARY\\IN_PHASE", "opposed-phase": "ORIGINAL\\PRIMARY\\OUT_PHASE",
        "subtraction": "DERIVED\\SECONDARY\\SUBTRACTION",
    },
    diffusion=_diffusion,
)  # fmt: skip
"""The image comment is of rordenlab/dcm2niix#388; the Image Types of maps and parts are made up."""
