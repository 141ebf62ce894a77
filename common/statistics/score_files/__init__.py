"""Score tables as people have them: read, with notes, or refused with rows and what to write."""

from hepafed.common.statistics.score_files.columns import READER
from hepafed.common.statistics.score_files.identities import ONE_SITE
from hepafed.common.statistics.score_files.label_map import label_map
from hepafed.common.statistics.score_files.read import ScoreRows, score_rows

__all__ = ["ONE_SITE", "READER", "ScoreRows", "label_map", "score_rows"]
