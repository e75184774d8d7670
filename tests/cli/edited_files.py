"""Edits of the files that this program reads, at random, and the commands that read them. Run as a program it is a
process of its own, so that its memory can be told: `python edited_files.py FOLDER EDITS SEED`."""

import copy
import json
import os
import random
import resource
import shutil
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from inpaint_cli.engine.checkpoints import content_digest, find_checkpoint
from inpaint_cli.records.checkpoints import IN_METADATA

RECIPES = ("folder", "demo", "celeba-96", "lsun-bedroom-64", "celebamask-hq-128", "mnist-96")
ALLOWED = {0, 2, 3}  # done, usage, input


def nested(depth: int) -> list:
    return [nested(depth - 1)] if depth else []


VALUES = [
    None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, 10**12, 10**400, 0.5, -0.5, 1e-300, 1e308, -1e308, 1e39,
    float("nan"), float("inf"), "", "x", "é", "1", "NaN", "mde", "rec:0.1", "center:8", "center:0", "file:/dev/zero",
    "folder:/dev", "\x1b[31mred", "a\nidentity: 0000", "\u202eabc", "\ud800", "\x00", "../../etc", "/dev/zero", "$x^{",
    "x" * 5000, [], [1], [None], [[1, 2], [3]], {}, {"a": 1}, {"": {"": []}}, nested(60), nested(200),
]  # fmt: skip


def places(value, path=()):
    """Every place in a JSON value, by the keys that lead to it."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items)[:40]:
        yield from places(inner, (*path, key))


def edited(value, chance: random.Random):
    """A JSON value with one to three changes."""
    value = json.loads(json.dumps(value))
    for _ in range(chance.choice((1, 1, 2, 3))):
        path = chance.choice(list(places(value)))
        if not path:
            return copy.deepcopy(chance.choice(VALUES))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        kind, last = chance.random(), path[-1]
        if kind < 0.2:
            del holder[last]
        elif kind < 0.3 and isinstance(holder, dict):
            holder[str(chance.choice(VALUES))[:50]] = holder.pop(last)
        elif kind < 0.4 and isinstance(holder, list):
            holder.extend(copy.deepcopy(holder[last]) for _ in range(chance.choice((1, 5, 300))))
        elif kind < 0.5 and isinstance(holder[last], int | float):
            holder[last] = chance.choice((-holder[last], holder[last] * 1000, holder[last] + 1, str(holder[last])))
        else:
            holder[last] = copy.deepcopy(chance.choice(VALUES))
    return value


def spoilt(text: bytes, chance: random.Random) -> bytes:
    """Bytes with some of them changed, lost or many more."""
    place, length = chance.randrange(len(text) + 1), chance.choice((1, 3, 40))
    other = chance.choice(
        (b"", b"\x00", b"\xff\xfe", b"9" * 5000, b"[" * 5000, b'{"a":' * 3000, b"\n", b"e999", b"\x1b[2J")
    )
    return chance.choice((text[:place], text[:place] + other + text[place + length :], other + text, text + other))


def as_json(value) -> bytes:
    return json.dumps(value).encode()


class Files:
    """A folder with one good file of each kind, of which copies are edited."""

    def __init__(self, folder: Path):
        self.folder, self.run, self.photo = folder, folder / "run", folder / "photo.png"
        self.work = folder / "work"
        self.found = find_checkpoint(self.run)
        self.header = self.found.header.plain()

    def copied(self) -> Path:
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        return shutil.copytree(self.run, self.work / "run")

    def checkpoint(self, path: Path, chance: random.Random) -> None:
        """Another header, with the digest that belongs to it."""
        header = edited({name: value for name, value in self.header.items() if name != "digest"}, chance)
        tensors = dict(self.found.tensors)
        if isinstance(header, dict):
            header["digest"] = content_digest(tensors, header)
        text = json.dumps(header) if chance.random() < 0.9 else spoilt(as_json(header), chance).decode(errors="replace")
        save_file(tensors, path, metadata={IN_METADATA: text})

    # ---- by kind: edit, and what reads it ------------------------------------------------------------------------

    def of_header(self, chance: random.Random) -> list:
        run = self.copied()
        if chance.random() < 0.4:
            self.checkpoint(run / "checkpoints" / "step-00000002.safetensors", chance)
            return self.resuming(run)
        path = self.work / "bad.safetensors"
        self.checkpoint(path, chance)
        completing = ["complete", self.photo, "--mask", "center:8", "--checkpoint", path, "-o", self.work / "out.png"]
        return chance.choice((completing, ["models", path], ["export", path, "-o", self.work / "slim.safetensors"]))

    def of_run(self, chance: random.Random) -> list:
        run = self.copied()
        path = run / "run.json"
        good = path.read_bytes()
        path.write_bytes(as_json(edited(json.loads(good), chance)) if chance.random() < 0.8 else spoilt(good, chance))
        exporting = ["export", run, "-o", self.work / "slim.safetensors", "--images", 1]
        return chance.choice((self.resuming(run), self.resuming(run), self.paging(run), exporting))

    def of_metrics(self, chance: random.Random) -> list:
        run = self.copied()
        path = run / "metrics.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        lines = b"\n".join(map(as_json, [edited(row, chance) for row in rows])) + b"\n"
        path.write_bytes(lines if chance.random() < 0.8 else spoilt(lines, chance))
        return chance.choice((self.resuming(run), self.paging(run)))

    def of_results(self, chance: random.Random) -> list:
        self.copied()
        path, good = self.work / "results.json", (self.folder / "results.json").read_bytes()
        path.write_bytes(as_json(edited(json.loads(good), chance)) if chance.random() < 0.8 else spoilt(good, chance))
        exporting = ["export", self.folder / "slim.safetensors", "-o", self.work / "s.safetensors", "--results", path]
        table = ["report", "table", chance.choice(("mde-3", "deep-1", "deep-1")), path]
        return chance.choice((exporting, table, [*table, "--average-runs"], self.paging(self.run, "--results", path)))

    def of_recipe(self, chance: random.Random) -> list:
        self.copied()
        good = (self.folder / f"{chance.choice(RECIPES)}.toml").read_text()
        text = as_toml(edited(tomllib.loads(good), chance)) if chance.random() < 0.7 else None
        content = spoilt(good.encode(), chance) if text is None else text.encode(errors="surrogatepass")
        (self.work / "own.toml").write_bytes(content)
        source = chance.choice(([], ["--source", self.folder / "photos"]))
        preparing = ["prepare", self.work / "own.toml", *source, "-o", self.work / "out.h5", "--workers", 1]
        return [*preparing, "--limit", 2, *chance.choice(([], ["--dry-run"]))]

    def resuming(self, run: Path) -> list:
        return ["train", "--method", "deep-l2", "--outdir", run, "--resume", "--steps", 2, "--device", "cpu"]

    def paging(self, run: Path, *more) -> list:
        return ["report", "page", run, "-o", self.work / "page.html", *more]


def as_toml(value) -> str:
    """Of what JSON can say, roughly; what TOML has no word for is left to its reader."""
    if not isinstance(value, dict):
        return str(value)
    return "".join(f"{json.dumps(str(key))} = {_toml(inner)}\n" for key, inner in value.items())


def _toml(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("NaN", "nan").replace("Infinity", "inf")


KINDS: dict[str, Callable] = {
    "header": Files.of_header,
    "run.json": Files.of_run,
    "metrics": Files.of_metrics,
    "results": Files.of_results,
    "recipe": Files.of_recipe,
}


def tried(files: Files, number: int, seed: int) -> str:
    """What is wrong with how the program takes the edit of this number; nothing where it is right."""
    from conftest import inpaint

    chance = random.Random(f"{seed}:{number}")
    kind = list(KINDS)[number % len(KINDS)]
    command = KINDS[kind](files, chance)
    begun = time.process_time()  # other programs may keep it waiting
    result = inpaint(*command)
    seconds, said = time.process_time() - begun, result.stdout + result.stderr
    where = f"edit {number} of {kind}: inpaint {' '.join(map(str, command))}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"{where}\n  {type(result.exception).__name__}: {str(result.exception)[:300]}"
    if result.exit_code not in ALLOWED or "Traceback" in said:
        return f"{where}\n  exit {result.exit_code}: {said[-500:]}"
    if "\x1b" in said or "\nidentity: 0000" in said:
        return f"{where}\n  the terminal is steered: {said[-500:]!r}"
    return f"{where}\n  {seconds:.1f} s" if seconds > 5 else ""


def main() -> None:
    folder, edits, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    os.chdir(folder)
    files, wrong = Files(folder), []
    torch.set_num_threads(1)
    for number in range(edits):
        if problem := tried(files, number, seed):
            wrong.append(problem)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(json.dumps({"wrong": wrong, "peak": peak}))


def prepare(folder: Path, data: Path, inpaint: Callable, recipes: Path) -> Path:
    """One good file of each kind."""
    commands = [
        [
            "train", "--method", "deep-l2", "--data", data, "--outdir", folder / "run", "--set", "width=8", "--set",
            "bottleneck=8", "--batch", 4, "--device", "cpu", "--steps", 2, "--checkpoint-every", 1, "-q",
        ],
        ["export", folder / "run", "-o", folder / "slim.safetensors", "--images", 1],
        [
            "evaluate", "--data", data, "--masks", "center:8", "--method", "tv", "--checkpoint",
            folder / "slim.safetensors", "--limit", 3, "-o", folder / "results.json",
        ],
    ]  # fmt: skip
    for command in commands:
        done = inpaint(*command)
        assert done.exit_code == 0, done.stderr
    (folder / "photos").mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.png")
    shutil.copy(folder / "photos" / "0.png", folder / "photo.png")
    for name in RECIPES:
        shutil.copy(recipes / f"{name}.toml", folder)
    return folder


if __name__ == "__main__":
    main()
