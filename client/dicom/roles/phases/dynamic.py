"""Where the T1 stacks of an examination stand in its dynamic, as far as the evidence agrees.

Contrast tags and names are typed by hand. They are held against the order of acquisition first;
what contradicts it is not believed, and is said. Nothing is concluded from the order of files or
identifiers.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from hepafed.client.dicom.roles.phases.injection import (
    NATIVE_UNTIL,
    contradiction,
    fits_first,
    injections_differ,
    stated_injection,
)
from hepafed.client.dicom.roles.phases.timing import (
    clocks_of,
    is_course,
    lacks_position,
    order_of,
    seconds_apart,
    skips_number,
)
from hepafed.client.dicom.roles.rule import StackFacts, has_words
from hepafed.client.dicom.roles.words import AFTER_CONTRAST, PHASE_WORDS, phase_named
from hepafed.client.dicom.volumes import Volume, nominals

FEWEST_ENHANCED = 3
"""Enhanced stacks that make a dynamic: arterial, portal, delayed."""
PHASES = tuple(PHASE_WORDS)
"""In the order of time."""
SAME_TIMING = 0.02
"""Share within which the timing of two stacks is one protocol's."""


@dataclass
class Dynamic:
    """The T1 stacks of one examination, and what their evidence amounts to."""

    volumes: Sequence[Volume]
    facts: Sequence[StackFacts]
    numbers: Collection[float] = ()
    """Series numbers of all series of the examination."""
    remarks: list[str] = field(default_factory=list)
    """What contradicts itself, or decides nothing; sentences of ours, no value of the files."""
    believed: bool = True
    """Whether phases may be inferred: nothing contradicts itself."""

    def _contradict(self, remark: str) -> None:
        self.remarks.append(remark)
        self.believed = False

    def placed(self) -> list[StackFacts]:
        """Return the facts of each stack with its place in the dynamic."""
        self.clocks = clocks_of(self.volumes)
        self.order = order_of(self.volumes, self.clocks)
        self.protocols = _protocols(self.volumes)
        self.alone = Counter(v.series_uid for v in self.volumes)
        self.names = self._names()
        self.stated = stated_injection(self.volumes)
        if injections_differ(self.volumes):
            self._contradict("the T1 series state different starts of contrast")
        self.states = self._states()
        self.injection = self._injection()
        enhanced = self._repeated([k for k in self.order or () if self.states[k] == "enhanced"])
        course = self._course(enhanced)
        return [self._placed(k, enhanced, course) for k in range(len(self.volumes))]

    def _placed(self, k: int, enhanced: list[int], course: bool) -> StackFacts:
        clock, native = self.clocks[k], self.states[k] == "native"
        dynamic = course and k in enhanced
        first = self.clocks[enhanced[0]] if enhanced else None
        return replace(
            self.facts[k],
            contrast=self.states[k] == "enhanced",
            native=native,
            alone=self.alone[self.volumes[k].series_uid] == 1,
            phase=self.names[k],
            dynamic=dynamic,
            after_injection=seconds_apart(clock, self.injection),
            after_first=seconds_apart(clock, first) if dynamic else None,
            order=enhanced.index(k) + 1 if k in enhanced else 0,
        )

    def _names(self) -> list[str]:
        """Return the phase that each description names; none at all where they contradict times.

        A description that several stacks share is that of their protocol, and names no phase.
        """
        shared = Counter(f.description for f in self.facts)
        names = [
            phase_named(f.description)
            if self.alone[v.series_uid] == shared[f.description] == 1
            else ""
            for v, f in zip(self.volumes, self.facts, strict=True)
        ]
        ranks = [PHASES.index(names[k]) for k in self.order or () if names[k]]
        if ranks != sorted(ranks):
            self._contradict("the names of the phases are not in the order of acquisition")
            return [""] * len(names)
        return names

    def _says(self, k: int) -> bool | None:
        """Return whether a stack's name, else its contrast tag, says that it is enhanced.

        A tag that is not there says something only where other T1 series have it.
        """
        if self.names[k]:
            return self.names[k] != "t1-pre"
        if self.facts[k].contrast or has_words(self.facts[k], AFTER_CONTRAST):
            return True
        return False if any(f.contrast for f in self.facts) else None

    def _states(self) -> list[str]:
        """Return for each stack whether it is `native` or `enhanced`; "" where nothing tells."""
        says = [self._says(k) for k in range(len(self.volumes))]
        if self.order is None:
            return self._unordered(says)
        self._within_series(says)
        along = [says[k] for k in self.order]
        if False not in along or True not in along:
            return self._silent(along)
        repeated = self._unnamed([k for k in self.order if says[k]])
        if self._begins_native(repeated, [k for k in self.order if says[k] is False]):
            says[repeated[0]] = False
            along = [says[k] for k in self.order]
        first = along.index(True)
        if False not in along[:first]:
            self._contradict("contrast is stated in a T1 series before one where it is not")
            return [""] * len(along)
        if False in along[first:]:
            self.remarks.append("contrast is not stated in a T1 series after one where it is")
        last = max(place for place in range(first) if along[place] is False)
        states = [""] * len(along)
        for place, k in enumerate(self.order):
            states[k] = "native" if place <= last else "enhanced" if place >= first else ""
        return states

    def _within_series(self, says: list[bool | None]) -> None:
        """Let contrast, once stated in a series, be stated in its later stacks too."""
        stated: set[str] = set()
        for k in self.order or ():
            uid = self.volumes[k].series_uid
            if says[k]:
                stated.add(uid)
            elif uid in stated:
                says[k] = True

    def _unordered(self, says: list[bool | None]) -> list[str]:
        """Of stacks without an order, the only one without contrast is native."""
        natives = len(says) - sum(map(bool, says))
        if len(says) > 1:
            self._contradict("nothing says in which order the T1 series were acquired")
        lone = natives == 1 and (len(says) == 1 or any(says))
        return ["enhanced" if s else "native" if lone else "" for s in says]

    def _silent(self, along: Sequence[bool | None]) -> list[str]:
        """Tell native from enhanced where nothing in the order says one, or nothing the other.

        The first of four stacks of one protocol is native if what follows is the course of a
        dynamic. The one T1 stack of an examination without contrast is native, and so is the
        first of several of different protocols.
        """
        order, stated = self.order or [], True in along
        states = [""] * len(order)
        for k, says in zip(order, along, strict=True):
            states[k] = {True: "enhanced", False: "native", None: ""}[says]
        repeated = self._unnamed(order)
        if self._begins_native(repeated):
            for k in repeated:
                states[k] = "enhanced"
            states[repeated[0]] = "native"
        elif stated and len(repeated) > FEWEST_ENHANCED and not self._only_enhanced(repeated):
            self._contradict("contrast is stated in all T1 series, and their times do not tell")
            return [""] * len(order)
        elif order and not any(states) and len(set(self.protocols)) == len(order):
            states[order[0]] = "native"
        elif order and not any(states):
            self._contradict("contrast is stated in no T1 series, and their times do not tell")
        return states

    def _begins_native(self, repeated: Sequence[int], natives: Sequence[int] = ()) -> bool:
        """Return whether the first of repeated stacks is from before contrast, as times tell.

        It is where what follows is the course of a dynamic; not where all of them are one too,
        unless they are one series, which begins with its native stack, and there is no native
        one of its protocol besides. An injection before the first denies it.
        """
        if len(repeated) <= FEWEST_ENHANCED or not self._follows(repeated[1:]):
            return False
        since = seconds_apart(self.clocks[repeated[0]], self.stated)
        if since is not None:
            return since < NATIVE_UNTIL
        timed = None not in [self.clocks[k] for k in repeated]
        if timed and not self._follows(repeated):
            return True
        one = len({self.volumes[k].series_uid for k in repeated}) == 1
        twin = self.protocols[repeated[0]] in {self.protocols[k] for k in natives}
        if one and twin:
            self._contradict("the times do not tell whether a dynamic begins with a native stack")
        return one and not twin

    def _only_enhanced(self, repeated: Sequence[int]) -> bool:
        """Return whether repeated stacks that all state contrast can only be enhanced."""
        since = seconds_apart(self.clocks[repeated[0]], self.stated)
        denied = since is not None and since >= NATIVE_UNTIL
        return self._follows(repeated) and (denied or not self._follows(repeated[1:]))

    def _unnamed(self, order: Sequence[int]) -> list[int]:
        """Return, of stacks in order, those of the dynamic that have no name of their own.

        A series that holds a whole dynamic is one; what lies outside of it is not its first.
        """
        found = self._repeated([k for k in order if not self.names[k]])
        series = Counter(self.volumes[k].series_uid for k in found)
        whole = [uid for uid, n in series.items() if n > FEWEST_ENHANCED]
        if len(whole) != 1:
            return found
        return [k for k in found if self.volumes[k].series_uid == whole[0]]

    def _repeated(self, order: Sequence[int]) -> list[int]:
        """Return, of stacks in order, those of the protocol that most have; none of two such.

        A stack of another protocol between two phases is no phase, and moves none.
        """
        protocols: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for k in order:
            protocols[self.protocols[k]].append(k)
        sizes = sorted(map(len, protocols.values()), reverse=True)
        if sizes[1:] and sizes[0] == sizes[1]:
            return []
        return max(protocols.values(), key=len, default=[])

    def _follows(self, members: Sequence[int]) -> bool:
        """Return whether stacks in order are the course of a dynamic, by times or else by number.

        Without times three stacks without a gap in their numbers are.
        """
        times = [self.clocks[k] for k in members]
        if None not in times:
            return is_course([t for t in times if t is not None])
        return len(members) == FEWEST_ENHANCED

    def _course(self, enhanced: list[int]) -> bool:
        """Return whether phases may be inferred from the times or the order of the enhanced."""
        if not self.believed or len(enhanced) < FEWEST_ENHANCED or not self._agree(enhanced):
            return False
        before = [k for k in self.order or () if self.states[k] == "native"]
        timed = None not in [self.clocks[k] for k in enhanced]
        early = (*before[-1:], *(enhanced[:2] if timed else enhanced))
        members = [self.volumes[k] for k in (*before, *enhanced)]
        if lacks_position(members) or skips_number([self.volumes[k] for k in early], self.numbers):
            self.remarks.append("a series or a phase seems to be missing among the T1 series")
            return False
        if not self._follows(enhanced):
            self.remarks.append("the times of the enhanced T1 series are not those of a dynamic")
            return False
        return True

    def _agree(self, enhanced: Sequence[int]) -> bool:
        """Return whether there is a phase to infer, and those that are named fit the times."""
        named = [k for k in enhanced if self.names[k]]
        since = [(self.names[k], self._since_first(k, enhanced)) for k in named]
        fit = all(t is not None and fits_first(name, t) for name, t in since)
        return len(named) < len(enhanced) and fit

    def _since_first(self, k: int, enhanced: Sequence[int]) -> float | None:
        return seconds_apart(self.clocks[k], self.clocks[enhanced[0]])

    def _injection(self) -> float | None:
        """Return the stated start of contrast, s, where nothing contradicts it."""
        since = [seconds_apart(t, self.stated) for t in self.clocks]
        remark = contradiction(since, self.names, self.states)
        if remark:
            self._contradict(remark)
        return None if remark else self.stated


def _protocols(volumes: Sequence[Volume]) -> list[tuple[object, ...]]:
    """Return for each stack its protocol: measured values by tolerance, and the matrix."""
    firsts = [v.headers[0] for v in volumes]
    echoes = nominals((h.echo_time for h in firsts), SAME_TIMING, 0.05)
    repetitions = nominals((h.repetition_time for h in firsts), SAME_TIMING, 0.1)
    angles = nominals((h.flip_angle for h in firsts), SAME_TIMING, 0.2)
    return [
        (
            echoes[h.echo_time],
            repetitions[h.repetition_time],
            angles[h.flip_angle],
            h.rows,
            h.columns,
        )
        for h in firsts
    ]
