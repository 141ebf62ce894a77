"""The network and its weights."""

from hepafed.common.network.architecture import (
    build,
    for_sites,
    import_weights,
    initial,
    look_at_weights,
)
from hepafed.common.network.encodings import (
    CODINGS,
    UpdateForm,
    check_form,
    encode,
    read_parts_of,
)
from hepafed.common.network.norm import (
    Ranges,
    is_statistic,
    norm_names,
    parts_within,
    statistics_of,
)
from hepafed.common.network.weight_files import (
    WeightFile,
    is_whole_file,
    open_weights,
    read_parts,
    save_pieces,
    save_safetensors,
)
from hepafed.common.network.weights import (
    Flat,
    Layout,
    all_finite,
    difference,
    flatten,
    from_bf16,
    joined,
    load,
    pieces,
    to_bf16,
)

__all__ = [
    "CODINGS",
    "Flat",
    "Layout",
    "Ranges",
    "UpdateForm",
    "WeightFile",
    "all_finite",
    "build",
    "check_form",
    "difference",
    "encode",
    "flatten",
    "for_sites",
    "from_bf16",
    "import_weights",
    "initial",
    "is_statistic",
    "is_whole_file",
    "joined",
    "load",
    "look_at_weights",
    "norm_names",
    "open_weights",
    "parts_within",
    "pieces",
    "read_parts",
    "read_parts_of",
    "save_pieces",
    "save_safetensors",
    "statistics_of",
    "to_bf16",
]
