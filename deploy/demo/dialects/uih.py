"""United Imaging: the b-value as it was applied, a real number, in private."""

from hepafed.deploy.demo.dialects.dialect import Dialect, Private, Settings, Stated, Weighting

_HEADER = (0x0065, "Image Private Header")


def _diffusion(w: Weighting) -> Stated:
    private: list[Private] = [(*_HEADER, 0x09, "FD", float(w.b))]
    if w.direction is not None:
        private.append((*_HEADER, 0x37, "FD", list(w.direction)))
    return Stated({}, tuple(private))


UIH = Dialect(
    manufacturer="UIH",
    model="uMR Phantom",
    character_set="GB18030",
    slice_times=True,
    numbering=(100, 1),
    file_name="{:08d}.dcm",
    agent="GD",
    settings={
        "t2": Settings(
            scanning="SE", variant="SK\\SP", options="FS", kind="2D", echo_time=87.36,
            repetition_time=3529.0, flip_angle=120.0, train=19, pulse="fse",
        ),
        "haste": Settings(
            scanning="SE", variant="SK", options="PFP", kind="2D", echo_time=98.28,
            repetition_time=1400.0, flip_angle=120.0, train=140, pulse="ssfse",
        ),
        "dwi": Settings(
            scanning="SE\\EP", variant="SK", options="FS", kind="2D", echo_time=69.8,
            repetition_time=4800.0, flip_angle=90.0, train=1, pulse="epi_dwi",
        ),
        "t1": Settings(
            scanning="GR", variant="SP", options="FS", kind="3D", echo_time=1.44,
            repetition_time=3.24, flip_angle=10.0, train=1, pulse="gre_quick3d",
        ),
        "dual": Settings(
            scanning="GR", variant="SP", options="PFP", kind="2D", echo_time=1.15,
            repetition_time=130.0, flip_angle=60.0, train=1, pulse="gre_dual",
        ),
        "localizer": Settings(
            scanning="SE", variant="SK", options="PFP", kind="2D", echo_time=82.0,
            repetition_time=1000.0, flip_angle=90.0, train=100, pulse="ssfse",
        ),
    },
    english={
        "t2": "t2_fse_fs_resp_tra", "t2-coronal": "t2_ssfse_bh_cor",
        "dwi": "epi_dwi_b50_800_resp_tra", "dwi-low": "epi_dwi_b50_resp_tra",
        "dwi-high": "epi_dwi_b800_resp_tra", "adc": "epi_dwi_b50_800_resp_tra_ADC",
        "t1-pre": "t1_quick3d_fs_tra_pre", "arterial": "t1_quick3d_fs_tra_A",
        "portal": "t1_quick3d_fs_tra_V", "delayed": "t1_quick3d_fs_tra_delay",
        "hepatobiliary": "t1_quick3d_fs_tra_20min", "dynamic": "t1_quick3d_fs_tra_dyn",
        "subtraction": "t1_quick3d_fs_tra_A_sub", "dixon": "t1_quick3d_wfi_tra_bh",
        "dual": "t1_gre_ip_op_tra_bh", "localizer": "scout",
    },
    chinese={
        "t2": "t2_fse_fs_呼吸触发_横断", "t2-coronal": "t2_ssfse_冠状",
        "dwi": "弥散_epi_dwi_横断", "dwi-low": "弥散_epi_dwi_低b", "dwi-high": "弥散_epi_dwi_高b",
        "adc": "弥散_epi_dwi_横断_ADC", "t1-pre": "t1_quick3d_平扫",
        "arterial": "t1_quick3d_动脉期", "portal": "t1_quick3d_门脉期",
        "delayed": "t1_quick3d_延迟期", "hepatobiliary": "t1_quick3d_肝胆期",
        "dynamic": "t1_quick3d_动态增强", "subtraction": "t1_quick3d_减影",
        "dixon": "t1_quick3d_wfi_平扫", "dual": "t1_gre_同反相位", "localizer": "scout_定位",
    },
    parts={"water": "{}_Water", "fat": "{}_Fat", "in-phase": "{}_InPhase",
           "opposed-phase": "{}_OutPhase"},
    image_types={
        "t2": "ORIGINAL\\PRIMARY\\M\\NORM", "haste": "ORIGINAL\\PRIMARY\\M\\NORM",
        "dwi": "DERIVED\\PRIMARY\\DIFFUSION\\TRACEW",
        "direction": "ORIGINAL\\PRIMARY\\DIFFUSION\\NONE",
        "b-zero": "ORIGINAL\\PRIMARY\\DIFFUSION\\NONE",
        "adc": "DERIVED\\PRIMARY\\DIFFUSION\\ADC", "t1": "ORIGINAL\\PRIMARY\\M\\NORM",
        "water": "ORIGINAL\\PRIMARY\\M\\WATER", "fat": "ORIGINAL\\PRIMARY\\M\\FAT",
        "in-phase": "ORIGINAL\\PRIMARY\\M\\IN_PHASE",
        "opposed-phase": "ORIGINAL\\PRIMARY\\M\\OUT_PHASE",
        "dual": "ORIGINAL\\PRIMARY\\M\\NORM", "localizer": "ORIGINAL\\PRIMARY\\M\\NORM",
        "subtraction": "DERIVED\\SECONDARY\\SUBTRACTION",
    },
    diffusion=_diffusion,
)  # fmt: skip
"""The private elements are of rordenlab/dcm2niix#225; Image Type and settings are made up."""
