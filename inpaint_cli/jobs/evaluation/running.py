"""Systems made ready one after the other, measured behind each mask specification, compared."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from inpaint_cli.data.pairing import listed
from inpaint_cli.engine.evaluating import Evaluated, evaluate
from inpaint_cli.engine.figures import GROUP, KNOWN_ERROR, Protocol
from inpaint_cli.engine.finished import evaluate_finished
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError, is_out_of_memory, out_of_memory
from inpaint_cli.jobs.audience import Advance, Audience, remarks
from inpaint_cli.jobs.evaluation.completed import Completed, paired_pictures
from inpaint_cli.jobs.evaluation.findings import Measured, compare
from inpaint_cli.jobs.evaluation.metering import Instruments, Measures, Metering, image_by_image
from inpaint_cli.jobs.evaluation.subjects import UNKNOWN, PreparedSubject, Subject
from inpaint_cli.jobs.evaluation.systems import Label, Source, distinct_names, settings_of, trained_on
from inpaint_cli.jobs.evaluation.transfers import facts_of_transfer, refuse_to_guess
from inpaint_cli.jobs.loading import Loaded, check_masks, check_shape, load_for_completion
from inpaint_cli.jobs.mask_files import which_masks
from inpaint_cli.jobs.teams import Place
from inpaint_cli.masks import MaskProcess
from inpaint_cli.method import ImageShape, Method
from inpaint_cli.probes import Constant, Probe
from inpaint_cli.settings import Assignments

Measure = Callable[[MaskProcess, Protocol, Callable[[int], None]], Evaluated]


@dataclass(frozen=True)
class Ready:
    """A system that can be measured."""

    label: Label
    measure: Measure
    facts: dict[str, Any]  # what results say of it: method, settings, trained_on, checkpoint
    notes: Sequence[str] = ()
    completes: bool = True
    annotates: Sequence[str] = ()
    one_completion: bool = False
    beside: "Ready | None" = None  # a system without which its figures mean little


class Found(NamedTuple):
    """One system behind one mask specification."""

    facts: dict[str, Any]
    notes: Sequence[str]
    plan: Metering
    process: MaskProcess
    evaluated: Evaluated


@dataclass(frozen=True)
class Evaluation:
    """What is the same for all systems."""

    subject: Subject
    sources: Sequence[Source | Completed]
    processes: Sequence[MaskProcess]
    settings: Assignments
    measures: Measures
    place: Place

    def measure(self, audience: Audience) -> Measured:
        """Every system behind every mask specification. All that can be refused is refused before the first image."""
        instruments = Instruments(self.measures, self.place.hardware)
        sources: list[Source | Completed | Ready] = []
        labels, plans = [], []
        for source in self.sources:  # one after the other: together they may not fit the memory
            ready = self.ready(source)
            new = [ready.beside] if ready.beside and ready.beside.label not in labels else []
            for own in (ready, *new):
                sources.append(source if own is ready else own)
                labels.append(own.label)
                plans.append(instruments.plan(self.subject, own.completes, own.annotates, own.one_completion))
        instruments.describe_originals(self.subject, self.place.team)
        measured = Measured()
        found: dict[tuple[str, str], Found] = {}
        for each, system, plan in zip(sources, distinct_names(labels), plans, strict=True):
            measured.missing |= plan.missing
            ready = self.ready(each)
            for process in self.processes:
                title = f"{system}, {process.spec}"
                with (
                    audience.progress(title, len(self.subject.names)) as advance,
                    saying_what_helps(),
                    remarks(audience.note),
                ):
                    evaluated = ready.measure(process, self._protocol(plan, process), advance)
                found[system, process.spec] = Found(ready.facts, ready.notes, plan, process, evaluated)
        self._settle(measured, found, instruments, audience)
        return measured

    def _protocol(self, plan: Metering, process: MaskProcess) -> Protocol:
        """What nobody hid is measured as it is."""
        return replace(plan.protocol, compose="output") if process.spec == UNKNOWN else plan.protocol

    def _settle(
        self, measured: Measured, found: dict[tuple[str, str], Found], instruments: Instruments, audience: Audience
    ) -> None:
        """Figures of the images that could be read of every system."""
        unread = {place: why for each in found.values() for place, why in each.evaluated.unread.items()}
        notes = self._left_out(unread)
        for note in notes:
            audience.note(note)
        measured.names = [name for place, name in enumerate(self.subject.names) if place not in unread]
        if not measured.names:
            raise InputError(f"{self.subject.where}: no image can be read of every system\n{notes[0]}")
        for (system, spec), own in found.items():
            kept = ~np.isin(own.evaluated.places, list(unread))
            rows = {name: values[kept] for name, values in own.evaluated.rows.items()}
            measured.rows[system, spec] = image_by_image(rows, instruments)
            measured.examples[system, spec] = [each for each in own.evaluated.examples if each.index not in unread]
            measured.results.append(self._entry(system, own, rows, notes))
        measured.comparisons = compare(measured.rows, self.measures.seed)

    def _left_out(self, unread: dict[int, str]) -> list[str]:
        if not unread:
            return []
        count = f"{len(unread):,} of {len(self.subject.names):,} images"
        return [f"left out, since they cannot be read: {count}: {listed([unread[place] for place in sorted(unread)])}"]

    def ready(self, source: "Source | Completed | Ready") -> Ready:
        """A system, loaded; a setting that does not fit it is an error that names it, where there are several."""
        if isinstance(source, Ready):
            return source
        if isinstance(source, Completed):
            return self._finished(source)
        assert isinstance(self.subject, PreparedSubject)  # a request without data names no method
        loaded = self._loaded(source, self.subject)
        facts: dict[str, Any] = {
            "method": loaded.name,
            "settings": settings_of(loaded),
            "trained_on": trained_on(loaded),
            "checkpoint": loaded.checkpoint,
        }
        measure, method = partial(self._complete, loaded.method, self.subject), loaded.method
        if not isinstance(method, Probe):
            gives = method.completes, method.annotates, method.one_completion
            return Ready(Label.of(loaded), measure, facts, loaded.notes, *gives)
        notes = [*loaded.notes, *refuse_to_guess(method, self.subject)]
        facts |= facts_of_transfer(loaded, method, self.subject)
        beside = self._constant(Constant(method), facts["elements"], notes)
        return Ready(Label.of(loaded), measure, facts, notes, False, method.annotates, beside=beside)

    def _constant(self, constant: Constant, elements: dict[str, list[str]], notes: Sequence[str]) -> Ready:
        """What stands beside each transfer: the answer that needs no image."""
        assert isinstance(self.subject, PreparedSubject)
        label = Label("constant", {}, None, None, None, constant.digest)
        facts = {"method": "constant", "settings": {}, "trained_on": None, "checkpoint": None, "elements": elements}
        measure = partial(self._complete, constant, self.subject)
        return Ready(label, measure, facts, notes, False, constant.annotates)

    def _loaded(self, source: Source, subject: PreparedSubject) -> Loaded:
        try:
            loaded = load_for_completion(
                *source, self.settings, self.place.hardware, ImageShape(*subject.prepared.shape)
            )
        except UsageError as error:
            if not self.settings or len(self.sources) == 1:
                raise
            raise UsageError(f"{source}, and --set goes to every system: {error}") from None
        check_shape(loaded, subject.prepared)
        for process in self.processes:
            check_masks(loaded.name, loaded.method, process)
        if self.measures.compose == "output" and not loaded.method.paints_whole:
            note = f"{loaded.name} leaves known pixels as they were: its output is the composed image"
            loaded = replace(loaded, notes=(*loaded.notes, note))
        return loaded

    def _complete(
        self, method: Method, subject: PreparedSubject, process: MaskProcess, protocol: Protocol, advance: Advance
    ) -> Evaluated:
        hardware, team = self.place
        return evaluate(method, subject.images, process, hardware, protocol, team, advance)

    def _finished(self, source: Completed) -> Ready:
        pictures, notes = paired_pictures(source, self.subject)

        def measure(process: MaskProcess, protocol: Protocol, advance: Callable[[int], None]) -> Evaluated:
            hardware, team = self.place
            holes = self.subject.holes(process, self.measures.seed, hardware.device)
            return evaluate_finished(pictures, self.subject.pictures, holes, hardware, protocol, team, advance)

        facts: dict[str, Any] = {"method": source.name, "settings": {}, "trained_on": None, "checkpoint": None}
        return Ready(Label(source.name, {}, None, None, None, None), measure, facts, notes)

    def _entry(self, system: str, found: Found, rows: dict[str, np.ndarray], notes: Sequence[str]) -> dict[str, Any]:
        """One result as the results file keeps it (`records.results.Result`)."""
        summary = found.plan.summarise(rows)
        compose = self._protocol(found.plan, found.process).compose
        own = (*found.notes, *_changed(system, rows, compose), *which_masks(found.process), *notes)
        return {
            "system": system,
            **found.facts,
            "masks": found.process.spec,
            "samples": self.measures.samples,
            "compose": compose,
            "data": self.subject.data,
            "seed": self.measures.seed,
            **summary,
            "notes": [*own, *summary["notes"]],
        }


def _changed(system: str, rows: dict[str, np.ndarray], compose: str) -> list[str]:
    """What is said of known pixels that a file does not have as they were."""
    changed = int((rows.get(KNOWN_ERROR, np.zeros(1)) > 0).sum())
    if not changed or compose == "output":
        return []
    most = int(rows[KNOWN_ERROR].max())
    return [
        f"{system}: known pixels differ from the originals' in {changed:,} of {len(rows[KNOWN_ERROR]):,} images, by up "
        f"to {most} of 255; figures are with known pixels put back, --compose output measures the files as they are"
    ]


@contextmanager
def saying_what_helps() -> Iterator[None]:
    """Out of memory: here no smaller batch would help."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise EnvironmentFault(
            f"{out_of_memory(error)}: images are completed {GROUP} at a time, so that figures do not depend on the "
            "machine; a device with more memory helps, or --device cpu"
        ) from None
