"""Score tables as people have them: read, with notes, or refused with rows and what to write."""

from hepafed.common.statistics.score_files.label_map import label_map
from hepafed.common.statistics.score_files.read import ScoreRows, score_rows

__all__ = ["ScoreRows", "label_map", "score_rows"]
