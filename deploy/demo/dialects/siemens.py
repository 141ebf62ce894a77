"""Siemens (syngo MR E11 and earlier): classic files, b-value in private and in Sequence Name."""

from hepafed.deploy.demo.dialects.dialect import Dialect, Private, Settings, Stated, Weighting

_HEADER = (0x0019, "SIEMENS MR HEADER")


def _diffusion(w: Weighting) -> Stated:
    private: list[Private] = [(*_HEADER, 0x0C, "IS", str(round(w.b)))]
    ending = "t" if w.b else ""
    if w.direction is not None:
        ending = f"#{w.number}"
        private += [
            (*_HEADER, 0x0D, "CS", "DIRECTIONAL"),
            (*_HEADER, 0x0E, "FD", list(w.direction)),
        ]
    elif not w.b:
        private.append((*_HEADER, 0x0D, "CS", "NONE"))
    return Stated({"SequenceName": f"*ep_b{w.b:.0f}{ending}"}, tuple(private))


SIEMENS = Dialect(
    manufacturer="SIEMENS",
    model="MAGNETOM Phantom",
    character_set="GB18030",
    slice_times=True,
    file_name="IM{:05d}.dcm",
    agent="Gadobutrol",
    settings={
        "t2": Settings(
            scanning="SE", variant="SK\\SP\\OSP", options="FS", kind="2D", echo_time=92.0,
            repetition_time=3400.0, flip_angle=150.0, train=17, pulse="*tse2d1_17",
        ),
        "haste": Settings(
            scanning="SE", variant="SK\\SP\\OSP", options="PFP", kind="2D", echo_time=95.0,
            repetition_time=1200.0, flip_angle=160.0, train=192, pulse="*h2d1_192",
        ),
        "dwi": Settings(
            scanning="EP", variant="SK\\SP", options="PFP\\FS", kind="2D", echo_time=62.0,
            repetition_time=5200.0, flip_angle=90.0, train=1, pulse="*ep_b50_800",
        ),
        "t1": Settings(
            scanning="GR", variant="SP\\OSP", options="PFP\\FS", kind="3D", echo_time=1.4,
            repetition_time=4.1, flip_angle=10.0, train=1, pulse="*fl3d1",
        ),
        "dual": Settings(
            scanning="GR", variant="SP", options="PFP", kind="2D", echo_time=1.23,
            repetition_time=160.0, flip_angle=70.0, train=1, pulse="*fl2d2",
        ),
        "localizer": Settings(
            scanning="SE", variant="SK\\SP\\OSP", options="PFP", kind="2D", echo_time=85.0,
            repetition_time=900.0, flip_angle=130.0, train=128, pulse="*h2d1_128",
        ),
    },
    english={
        "t2": "t2_tse_fs_tra_p2_trig", "t2-coronal": "t2_haste_cor_p2_bh",
        "dwi": "ep2d_diff_b50_800_tra", "dwi-low": "ep2d_diff_b50_tra",
        "dwi-high": "ep2d_diff_b800_tra", "adc": "ep2d_diff_b50_800_tra_ADC",
        "t1-pre": "t1_vibe_fs_tra_bh_pre", "arterial": "t1_vibe_fs_tra_bh_art",
        "portal": "t1_vibe_fs_tra_bh_pv", "delayed": "t1_vibe_fs_tra_bh_delay_3min",
        "hepatobiliary": "t1_vibe_fs_tra_bh_20min", "dynamic": "t1_vibe_fs_tra_bh_dyn",
        "subtraction": "t1_vibe_fs_tra_bh_art_SUB", "dixon": "t1_vibe_dixon_tra_bh_pre",
        "dual": "t1_fl2d_opp-in_tra_mbh", "localizer": "localizer",
    },
    chinese={
        "t2": "t2_tse_fs_tra 呼吸触发", "t2-coronal": "t2_haste_cor 冠状位",
        "dwi": "ep2d_diff_tra 弥散", "dwi-low": "ep2d_diff_tra 弥散 低b值",
        "dwi-high": "ep2d_diff_tra 弥散 高b值", "adc": "ep2d_diff_tra 弥散_ADC",
        "t1-pre": "t1_vibe_fs_tra 平扫", "arterial": "t1_vibe_fs_tra 动脉期",
        "portal": "t1_vibe_fs_tra 门脉期", "delayed": "t1_vibe_fs_tra 延迟期",
        "hepatobiliary": "t1_vibe_fs_tra 肝胆期", "dynamic": "t1_vibe_fs_tra 动态增强",
        "subtraction": "t1_vibe_fs_tra 减影_SUB", "dixon": "t1_vibe_dixon_tra 平扫",
        "dual": "t1_fl2d_opp-in_tra 同反相位", "localizer": "localizer 定位",
    },
    parts={"water": "{}_W", "fat": "{}_F", "in-phase": "{}_in", "opposed-phase": "{}_opp"},
    image_types={
        "t2": "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D", "haste": "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D",
        "dwi": "ORIGINAL\\PRIMARY\\DIFFUSION\\TRACEW\\NORM\\DIS2D",
        "direction": "ORIGINAL\\PRIMARY\\DIFFUSION\\NONE\\NORM\\DIS2D",
        "b-zero": "ORIGINAL\\PRIMARY\\DIFFUSION\\NONE\\NORM\\DIS2D",
        "adc": "DERIVED\\PRIMARY\\DIFFUSION\\ADC\\NORM\\DIS2D",
        "t1": "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D",
        "water": "DERIVED\\PRIMARY\\M\\NORM\\DIS2D\\DIXON\\WATER",
        "fat": "DERIVED\\PRIMARY\\M\\NORM\\DIS2D\\DIXON\\FAT",
        "in-phase": "DERIVED\\PRIMARY\\M\\NORM\\DIS2D\\DIXON\\IN_PHASE",
        "opposed-phase": "DERIVED\\PRIMARY\\M\\NORM\\DIS2D\\DIXON\\OPP_PHASE",
        "dual": "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D",
        "localizer": "ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D",
        "subtraction": "DERIVED\\PRIMARY\\M\\SUB\\NORM\\DIS2D",
    },
    diffusion=_diffusion,
)  # fmt: skip
"""The place of SUB in Image Type is made up."""
