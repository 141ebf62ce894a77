"""The maps point at the evidence that moved the network."""

import torch
from hepafed.client.review.saliency import grad_cam, occlude
from hepafed.common.contract import ModelPlan, Plan
from hepafed.common.network import build
from torch import Tensor, nn

PLAN = Plan(name="small", protocol="t2-dwi", model=ModelPlan(size=75))


class Corner(nn.Module):
    """Malignant evidence is the brightness of the upper left, benign that of the lower right."""

    def __init__(self) -> None:
        super().__init__()
        self.repeat = nn.Identity()
        self.repeat_1 = nn.Identity()
        self.conv2d_7b = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2d_7b(self.repeat_1(self.repeat(x)))
        malignant = x[:, :, :20, :20].mean((1, 2, 3))
        benign = x[:, :, 40:, 40:].mean((1, 2, 3))
        return torch.stack([benign, malignant, torch.full_like(benign, -50.0)], 1)


def test_occlusion_points_at_the_malignant_evidence_alone() -> None:
    image = torch.zeros(1, 2, 60, 60)
    image[:, :, :20, :20] = 4.0
    found = occlude(Corner(), image)
    assert found[:20, :20].mean() > 0.5
    assert found[40:, 40:].max() < 0.2


def test_grad_cam_points_at_what_spoke_for_benign() -> None:
    image = torch.zeros(1, 2, 60, 60)
    image[:, :, 40:, 40:] = 4.0
    found = grad_cam(Corner(), image)
    assert found[45:, 45:].mean() > 0.5
    assert found[:20, :20].max() < 0.1


def test_grad_cam_of_the_real_network_has_a_place_at_the_smallest_size() -> None:
    """What speaks for benign in an untrained network speaks against it when its head is turned."""
    module = build(PLAN).eval()
    image = torch.randn(1, 2, 75, 75, generator=torch.Generator().manual_seed(3))
    spreads = []
    for sign in (1, -1):
        with torch.no_grad():
            dict(module.named_modules())["classif"].weight.mul_(sign)
        spreads.append(grad_cam(module, image).std())
    assert max(spreads) > 0
