"""A stand-in for the driver of two cards: its files follow what the simulated server holds. As the real one does, it
puts a model on the card with the most free memory, or spreads it."""

import os
import threading
from pathlib import Path

GIB = 1 << 30
TOTAL, OTHERS = 24 * GIB, 300 << 20


class Driver:
    """The amdgpu driver's files for two cards."""

    def __init__(self, sim, folder):
        self.sim, self.folder = sim, Path(folder)
        self.places: dict[str, list[int]] = {}
        self.seen, self.peaks = 0, [0, 0]
        self.ends = threading.Event()
        for card in range(2):
            (self.folder / f"card{card}/device").mkdir(parents=True)
            self.write(card, "total", TOTAL)
            self.write(card, "used", OTHERS)
        self.thread = threading.Thread(target=self.follow)
        self.thread.start()

    def write(self, card, what, value):
        path = self.folder / f"card{card}/device/mem_info_vram_{what}"
        path.with_suffix(".new").write_text(f"{value}\n")
        os.replace(path.with_suffix(".new"), path)

    def held(self, card):
        return sum(place[card] for place in self.places.values())

    def step(self):
        log = self.sim.books()["log"]
        for entry in log[self.seen:]:
            if entry["what"] == "load_start":
                free = [TOTAL - OTHERS - self.held(card) for card in range(2)]
                freest = free.index(max(free))
                size = entry["bytes"]
                if size <= 0.8 * max(free):
                    self.places[entry["model"]] = [size if card == freest else 0 for card in range(2)]
                else:
                    first = int(size * free[0] / sum(free))
                    self.places[entry["model"]] = [first, size - first]
            elif entry["what"] in ("unload", "load_failed", "load_aborted"):
                self.places.pop(entry["model"], None)
            self.peaks = [max(self.peaks[card], self.held(card)) for card in range(2)]
        self.seen = len(log)
        for card in range(2):
            self.write(card, "used", OTHERS + self.held(card))

    def follow(self):
        while not self.ends.wait(0.01):
            self.step()

    def stop(self):
        self.ends.set()
        self.thread.join()
