"""Philips: the b-value in private, b = 0 on every series, diffusion that says spin echo."""

from hepafed.deploy.demo.dialects.dialect import Dialect, Private, Settings, Stated, Weighting

_IMAGING, _MR = (0x2001, "Philips Imaging DD 001"), (0x2005, "Philips MR Imaging DD 001")


def _diffusion(w: Weighting) -> Stated:
    private: list[Private] = [(*_IMAGING, 0x03, "FL", float(w.b))]
    if w.direction is not None:
        private.append((*_IMAGING, 0x04, "CS", "MPS"[(w.number - 1) % 3]))
        pairs = zip((0xB0, 0xB1, 0xB2), w.direction, strict=True)
        private += [(*_MR, low, "FL", part) for low, part in pairs]
    elif w.b:
        private.append((*_IMAGING, 0x04, "CS", "I"))
    return Stated({"DiffusionBValue": float(w.b)}, tuple(private))


PHILIPS = Dialect(
    manufacturer="Philips Medical Systems",
    model="Ingenia Phantom",
    character_set="ISO_IR 192",
    slope=1.75,
    interleaved=True,
    numbering=(100, 1),
    file_name="IM_{:04d}",
    agent="Gadovist",
    settings={
        "t2": Settings(
            scanning="SE", variant="SK", options="FS", kind="2D", echo_time=80.0,
            repetition_time=1890.0, flip_angle=90.0, train=24,
        ),
        "haste": Settings(
            scanning="SE", variant="SK", options="OTHER", kind="2D", echo_time=80.0,
            repetition_time=920.0, flip_angle=90.0, train=79,
        ),
        "dwi": Settings(
            scanning="SE", variant="SK", options="FS", kind="2D", echo_time=66.0,
            repetition_time=2480.0, flip_angle=90.0, train=47,
        ),
        "t1": Settings(
            scanning="GR", variant="MP", options="FS", kind="3D", echo_time=1.48,
            repetition_time=3.12, flip_angle=10.0, train=34,
        ),
        "dual": Settings(
            scanning="GR", variant="SP", options="OTHER", kind="2D", echo_time=1.15,
            repetition_time=180.0, flip_angle=55.0, train=1,
        ),
        "localizer": Settings(
            scanning="GR", variant="SS", options="OTHER", kind="2D", echo_time=2.3,
            repetition_time=4.9, flip_angle=20.0, train=62,
        ),
    },
    english={
        "t2": "T2W_TSE_SPAIR_RT", "t2-coronal": "T2W_SSh_COR_BH",
        "dwi": "DWI_2b_RT", "dwi-low": "DWI_b50_RT", "dwi-high": "DWI_b800_RT",
        "adc": "dDWI_2b_RT", "t1-pre": "e-THRIVE_BH_pre", "arterial": "e-THRIVE_BH_art",
        "portal": "e-THRIVE_BH_port", "delayed": "e-THRIVE_BH_late",
        "hepatobiliary": "e-THRIVE_BH_20min", "dynamic": "dyn_e-THRIVE_BH",
        "subtraction": "sdyn_e-THRIVE_BH", "dixon": "mDIXON_BH_pre", "dual": "DUAL_FFE_BH",
        "localizer": "SURVEY_BH",
    },
    chinese={
        "t2": "T2W_TSE_SPAIR 呼吸门控", "t2-coronal": "T2W_SSh 冠状位",
        "dwi": "DWI 弥散", "dwi-low": "DWI 弥散 低b", "dwi-high": "DWI 弥散 高b",
        "adc": "dDWI 弥散", "t1-pre": "e-THRIVE 平扫", "arterial": "e-THRIVE 动脉期",
        "portal": "e-THRIVE 门脉期", "delayed": "e-THRIVE 延迟期",
        "hepatobiliary": "e-THRIVE 肝胆期", "dynamic": "e-THRIVE 动态增强",
        "subtraction": "e-THRIVE 减影", "dixon": "mDIXON 平扫", "dual": "DUAL_FFE 双回波",
        "localizer": "SURVEY 定位",
    },
    parts={"water": "{}", "fat": "{}", "in-phase": "{}", "opposed-phase": "{}"},
    image_types={
        "t2": "ORIGINAL\\PRIMARY\\M_SE\\M\\SE", "haste": "ORIGINAL\\PRIMARY\\M_SE\\M\\SE",
        "dwi": "ORIGINAL\\PRIMARY\\M_SE\\M\\SE", "direction": "ORIGINAL\\PRIMARY\\M_SE\\M\\SE",
        "b-zero": "ORIGINAL\\PRIMARY\\M_SE\\M\\SE",
        "adc": "DERIVED\\PRIMARY\\ADC\\ADC\\SE", "t1": "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE",
        "water": "DERIVED\\PRIMARY\\W\\W\\DERIVED", "fat": "DERIVED\\PRIMARY\\F\\F\\DERIVED",
        "in-phase": "DERIVED\\PRIMARY\\IP\\IP\\DERIVED",
        "opposed-phase": "DERIVED\\PRIMARY\\OP\\OP\\DERIVED",
        "dual": "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE", "localizer": "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE",
        "subtraction": "DERIVED\\SECONDARY\\SUBTRACTION\\M\\FFE",
    },
    always={"DiffusionBValue": 0.0},
    diffusion=_diffusion,
    private=((*_MR, 0x0E, "FL", 0.0125),),
)  # fmt: skip
"""Image Type of a subtraction is made up."""
