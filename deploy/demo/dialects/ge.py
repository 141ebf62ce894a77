"""GE: the b-value with a large offset in private; LAVA, whose phases a trigger time sets apart."""

from hepafed.deploy.demo.dialects.dialect import Dialect, Private, Settings, Stated, Weighting

_PARM, _ACQU = (0x0043, "GEMS_PARM_01"), (0x0019, "GEMS_ACQU_01")
_OFFSET = 1_000_000_000
"""Added to the b-value of a series with several b-values."""
_T2, _AXIS, _COMBINED = 14, 3, 15
"""Vascular collapse flag (0043,1030): b = 0, the first single axis, all axes combined."""


def _diffusion(w: Weighting) -> Stated:
    flag = _T2 if not w.b else _COMBINED if w.direction is None else _AXIS + (w.number - 1) % 3
    private: list[Private] = [
        (*_PARM, 0x30, "SS", flag),
        (*_PARM, 0x39, "IS", f"{_OFFSET + round(w.b)}\\8\\0\\0"),
    ]
    for low, part in zip((0xBB, 0xBC, 0xBD), w.direction or (0.0, 0.0, 0.0), strict=True):
        private.append((*_ACQU, low, "DS", f"{part:.6f}"))
    return Stated({}, tuple(private))


GE = Dialect(
    manufacturer="GE MEDICAL SYSTEMS",
    model="SIGNA Phantom",
    character_set="GB18030",
    signed=True,
    top_down=True,
    file_name="i{:06d}.MRDCM",
    agent="10ML GADAVIST",
    settings={
        "t2": Settings(
            scanning="SE", variant="SK\\OSP", options="FAST_GEMS\\EDR_GEMS\\TRF_GEMS\\ACC_GEMS\\FS",
            kind="2D", echo_time=85.0, repetition_time=6666.0, flip_angle=142.0, train=16,
        ),
        "haste": Settings(
            scanning="SE", variant="SK", options="FAST_GEMS\\SEQ_GEMS\\SS_GEMS\\ACC_GEMS",
            kind="2D", echo_time=88.0, repetition_time=1400.0, flip_angle=130.0, train=1,
        ),
        "dwi": Settings(
            scanning="EP\\SE", variant="NONE", options="EPI_GEMS\\ACC_GEMS\\PFF\\FS",
            kind="2D", echo_time=58.0, repetition_time=7500.0, flip_angle=90.0, train=1,
        ),
        "t1": Settings(
            scanning="GR", variant="SS\\SP\\SK", options="FAST_GEMS\\EDR_GEMS\\ACC_GEMS\\PFP\\FS",
            kind="3D", echo_time=1.7, repetition_time=3.7, flip_angle=12.0, train=1,
        ),
        "dual": Settings(
            scanning="GR", variant="NONE", options="FAST_GEMS\\MULTIECHO_GEMS\\ACC_GEMS",
            kind="2D", echo_time=1.15, repetition_time=190.0, flip_angle=80.0, train=1,
        ),
        "localizer": Settings(
            scanning="SE", variant="SK", options="FAST_GEMS\\SS_GEMS", kind="2D",
            echo_time=80.0, repetition_time=1100.0, flip_angle=90.0, train=1,
        ),
    },
    english={
        "t2": "Ax T2 FRFSE FS RTr", "t2-coronal": "Cor T2 SSFSE BH",
        "dwi": "Ax DWI b50 800 RTr", "dwi-low": "Ax DWI b50 RTr", "dwi-high": "Ax DWI b800 RTr",
        "adc": "Apparent Diffusion Coefficient (mm2/s)",
        "t1-pre": "Ax LAVA Pre", "arterial": "Ax LAVA +C Arterial",
        "portal": "Ax LAVA +C Portal", "delayed": "Ax LAVA +C Delayed",
        "hepatobiliary": "Ax LAVA +C 20 min", "dynamic": "Ax LAVA +C Multiphase",
        "subtraction": "SUB: Ax LAVA +C", "dixon": "Ax LAVA-Flex BH",
        "dual": "Ax T1 FSPGR Dual Echo", "localizer": "3-pl Loc SSFSE",
    },
    chinese={
        "t2": "Ax T2 FRFSE FS 呼吸触发", "t2-coronal": "Cor SSFSE 冠状位",
        "dwi": "Ax DWI 弥散加权", "dwi-low": "Ax DWI 弥散加权 低b值",
        "dwi-high": "Ax DWI 弥散加权 高b值", "adc": "ADC 图 (10^-6 mm²/s)",
        "t1-pre": "Ax LAVA 平扫", "arterial": "Ax LAVA 动脉期", "portal": "Ax LAVA 门静脉期",
        "delayed": "Ax LAVA 延迟期", "hepatobiliary": "Ax LAVA 肝胆期",
        "dynamic": "Ax LAVA 多期增强", "subtraction": "SUB: Ax LAVA 增强",
        "dixon": "Ax LAVA-Flex 平扫", "dual": "Ax T1 双回波", "localizer": "3-pl Loc 定位像",
    },
    parts={"water": "WATER: {}", "fat": "FAT: {}", "in-phase": "InPhase: {}",
           "opposed-phase": "OutPhase: {}"},
    image_types=dict.fromkeys(
        ("t2", "haste", "dwi", "direction", "b-zero", "t1", "water", "fat", "in-phase",
         "opposed-phase", "dual", "localizer"), "ORIGINAL\\PRIMARY\\OTHER",
    ) | {"adc": "DERIVED\\SECONDARY\\OTHER", "subtraction": "DERIVED\\SECONDARY\\SUBTRACT"},
    diffusion=_diffusion,
)  # fmt: skip
"""That LAVA-Flex says its parts in the description alone is of rordenlab/dcm2niix#1022."""
