"""The rules that place the T1 stacks of an examination in its dynamic, in order."""

from typing import Final

from hepafed.client.dicom.roles.rule import Rule, Test, at_least, below, holds_any, is_so, not_so
from hepafed.client.dicom.roles.words import PHASE_WORDS

NO_TIMES = Test("no acquisition times", lambda f: f.after_first is None)
FIRST = Test("order among the enhanced: 1", lambda f: f.order == 1)
SECOND = Test("order among the enhanced: 2", lambda f: f.order == 2)
THIRD = Test("order among the enhanced: 3", lambda f: f.order == 3)
BY_INJECTION = "the time since the contrast's stated start"
BY_FIRST = "the time since the first enhanced stack"


def _by_words(phase: str) -> Rule:
    spoken = {"t1-pre": "native", "portal": "portal venous"}.get(phase, phase)
    name = f"{phase.removeprefix('t1-')}-words"
    tests = (is_so("alone"), holds_any("phase", phase))
    return Rule(name, phase, tests, f"described as {spoken}", PHASE_WORDS[phase], "words")


PHASE_RULES: Final = (
    *map(_by_words, PHASE_WORDS),
    Rule("pre-by-injection", "t1-pre", (below("after_injection", 0, " s"),),
         "acquired before the contrast's stated start", (), "contrast"),
    Rule("arterial-by-injection", "arterial", (at_least("after_injection", 10, " s"),
         below("after_injection", 45, " s")), BY_INJECTION, (), "contrast"),
    Rule("portal-by-injection", "portal", (at_least("after_injection", 45, " s"),
         below("after_injection", 110, " s")), BY_INJECTION, (), "contrast"),
    Rule("delayed-by-injection", "delayed", (at_least("after_injection", 110, " s"),
         below("after_injection", 600, " s")), BY_INJECTION, (), "contrast"),
    Rule("hepatobiliary-by-injection", "hepatobiliary", (at_least("after_injection", 600, " s"),
         below("after_injection", 7200, " s")), BY_INJECTION, (), "contrast"),
    Rule("pre-by-position", "t1-pre", (is_so("native"), not_so("alone")),
         "the first temporal position of a dynamic series", (), "inferred"),
    Rule("pre", "t1-pre", (is_so("native"),), "no contrast is stated, and none before it",
         (), "contrast"),
    Rule("arterial-by-time", "arterial", (is_so("dynamic"), below("after_first", 20, " s")),
         "the first of the enhanced stacks", (), "inferred"),
    Rule("portal-by-time", "portal", (is_so("dynamic"), at_least("after_first", 20, " s"),
         below("after_first", 75, " s")), BY_FIRST, (), "inferred"),
    Rule("delayed-by-time", "delayed", (is_so("dynamic"), at_least("after_first", 75, " s"),
         below("after_first", 600, " s")), BY_FIRST, (), "inferred"),
    Rule("hepatobiliary-by-time", "hepatobiliary", (is_so("dynamic"),
         at_least("after_first", 600, " s")), BY_FIRST, (), "inferred"),
    Rule("arterial-by-order", "arterial", (is_so("dynamic"), NO_TIMES, FIRST),
         "the first of three enhanced stacks", (), "inferred"),
    Rule("portal-by-order", "portal", (is_so("dynamic"), NO_TIMES, SECOND),
         "the second of three enhanced stacks", (), "inferred"),
    Rule("delayed-by-order", "delayed", (is_so("dynamic"), NO_TIMES, THIRD),
         "the third of three enhanced stacks", (), "inferred"),
)  # fmt: skip
"""For the T1 stacks of an examination, which they place in the dynamic; none holds: `t1`.

What the rules look at was held against the times first (`dynamic`): names that are not in the order
of time, a contrast start that the names or the course contradict, and a course with a gap where a
phase may be missing are not believed, and nothing is placed by them.
"""
