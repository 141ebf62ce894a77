"""The demo's five hospitals: each one's scanner, protocol and mix of patients."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SiteStyle:
    """One hospital: its scanner, its protocol and whom it sees."""

    name: str
    dialect: str
    """`siemens`, `ge`, `philips`, `uih` or `canon`."""
    tesla: float
    mixture: tuple[float, float, float]
    """Shares of the classes among patients."""
    t2: tuple[int, int, float, float]
    """Matrix, slices, pixel and slice spacing (mm) of T2."""
    dwi: tuple[int, int, float, float]
    t1: tuple[int, int, float, float]
    tilt: float
    """Obliquity of T2 in degrees; DWI takes a third of it, T1 the opposite half."""
    bias: float
    """Strength of the bias field."""
    noise: float
    """Noise of T2 relative to the liver; DWI has twice, T1 three quarters of it."""
    gamma: float
    """Contrast: signal to this power."""
    gain: float
    """Stored value of the liver on T2."""
    joint_dwi: bool
    """Both b-values in one series."""
    dynamic: str = "series"
    """`series`: one a phase; `times` or `triggers`: all phases in one series, told apart by
    acquisition time or by trigger time."""
    chinese: bool = False
    """Descriptions are in Chinese."""
    label_noise: float = 0.04
    """Share of lesions with a wrong class in labels.csv."""


STYLES = {
    s.name: s
    for s in (
        SiteStyle(
            name="hospital-a", dialect="siemens", tesla=3.0, mixture=(0.50, 0.30, 0.20),
            t2=(96, 14, 3.1, 7.2), dwi=(64, 11, 4.8, 9.6), t1=(72, 12, 4.2, 9.0),
            tilt=7.0, bias=0.25, noise=0.07, gamma=1.0, gain=260, joint_dwi=True,
        ),
        SiteStyle(
            name="hospital-b", dialect="ge", tesla=1.5, mixture=(0.40, 0.42, 0.18),
            t2=(92, 13, 3.25, 7.8), dwi=(60, 10, 5.1, 10.4), t1=(68, 11, 4.5, 9.6),
            tilt=-9.0, bias=0.12, noise=0.10, gamma=0.93, gain=520, joint_dwi=True,
            dynamic="triggers",
        ),
        SiteStyle(
            name="hospital-c", dialect="philips", tesla=3.0, mixture=(0.45, 0.22, 0.33),
            t2=(100, 15, 3.0, 6.8), dwi=(68, 12, 4.5, 8.8), t1=(76, 12, 4.0, 8.8),
            tilt=5.0, bias=0.35, noise=0.08, gamma=1.06, gain=900, joint_dwi=False,
            dynamic="times",
        ),
        SiteStyle(
            name="external-1", dialect="uih", tesla=3.0, mixture=(0.42, 0.34, 0.24),
            t2=(96, 14, 3.2, 7.0), dwi=(64, 10, 4.9, 10.2), t1=(72, 11, 4.3, 9.4),
            tilt=10.0, bias=0.32, noise=0.11, gamma=1.04, gain=380, joint_dwi=False,
            label_noise=0.03, chinese=True,
        ),
        SiteStyle(
            name="external-2", dialect="canon", tesla=1.5, mixture=(0.55, 0.25, 0.20),
            t2=(100, 14, 3.05, 7.4), dwi=(62, 11, 5.0, 9.4), t1=(70, 12, 4.4, 8.8),
            tilt=-6.0, bias=0.18, noise=0.12, gamma=0.9, gain=210, joint_dwi=True,
            label_noise=0.03,
        ),
    )
}  # fmt: skip
