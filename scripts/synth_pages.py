# SPDX-License-Identifier: Apache-2.0
"""The tables of the documents, from the results of synth_report.py (not a command)."""

import json
import re
import statistics
from pathlib import Path

from failure import Failure
from rtl_sources import CONFIGS

NAMES = {"ice40": "iCE40", "ecp5": "ECP5", "gowin": "Gowin", "xilinx": "Xilinx 7",
         "osu018": "OSU 0.18 µm"}
FORMATS = {"bt": "plain ternary", "raw": "SZT, raw wires", "szt-forward": "SZT, forward only",
           "szt": "SZT, all modes"}
NONE = "–"
K = 1024  # of the roofline's matrices


class Results:
    """Rows of several files; of a design in more than one, those of the newest Yosys."""

    def __init__(self, files: list[dict]) -> None:
        self.rows: list[dict] = []
        for file in sorted(files, key=lambda f: [int(n) for n in f["tool_versions"]["yosys"].split(".")],
                           reverse=True):
            for row in file["rows"]:
                self.rows.append({**row, "versions": file["tool_versions"]})

    def find(self, part: str, target: str, top: str, placed: bool = False,
             **where: object) -> list[dict]:
        where |= {"part": part, "target": target, "top": top}
        found = [row for row in self.rows if all(row.get(k) == v for k, v in where.items())]
        # What was placed says more than what was counted, even by an older Yosys.
        found.sort(key=lambda row: not placed or "fmax_median" not in row, reverse=False)
        return [row for row in found if row["versions"] == found[0]["versions"]]

    def one(self, part: str, target: str, top: str, **where: object) -> dict | None:
        found = self.find(part, target, top, placed=True, **where)
        return found[0] if found else None


def tools(rows: list[dict | None]) -> str:
    """The versions that made the rows, a phrase for each target."""
    said = {}
    for row in filter(None, rows):
        versions = row["versions"]
        words = [f"Yosys {versions['yosys']}"]
        placer = f"nextpnr-{row['target']}"
        if "fmax_median" in row:
            words.append(f"{placer} {versions[placer]}")
        said.setdefault(f"{NAMES[row['target']]}: {', '.join(words)}")
    return "; ".join(said) + "."


def number(value: float | None, digits: int = 0) -> str:
    if value is None:
        return NONE
    return f"{value:,.{digits}f}".replace("-", "−")


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]]) + "\n"


def rate(row: dict | None) -> str:
    """An Fmax: median, and least to greatest of the seeds."""
    if row is None or "fmax_median" not in row:
        return NONE
    return (f"{row['fmax_median']:.0f} ({row['fmax_min']:.0f}–{row['fmax_max']:.0f}, "
            f"{row['seeds']} seeds)")


def per_mac(row: dict | None) -> str:
    return number(row["luts_per_mac"], 2) if row else NONE


def spread(values: list[float]) -> str:
    low, high = min(values), max(values)
    middle = number(statistics.median(values))
    return middle if low == high else f"{middle} ({number(low)}–{number(high)})"


def cost(results: Results, configs: dict) -> str:
    lines, used = [], []
    cols = configs["small"]["cols"]
    for target in ("ice40", "ecp5", "gowin", "xilinx"):
        plain = results.find("cost", target, "axi", format="bt")
        for front_end in ("bt", "raw", "szt-forward", "szt"):
            decode = results.one("cost", target, "decode", format=front_end)
            core = results.find("cost", target, "axi", format=front_end)
            if not decode or not core or not plain:
                continue
            used += [*core, decode]
            more = statistics.median(r["luts"] for r in core) \
                - statistics.median(r["luts"] for r in plain)
            lines.append([NAMES[target], FORMATS[front_end], number(decode["luts"] * cols),
                          spread([r["luts"] for r in core]),
                          NONE if front_end == "bt" else f"{more:+,.0f}".replace("-", "−"),
                          spread([r["ffs"] for r in core]), number(core[0]["brams"], 1 if
                          target == "xilinx" else 0)])
    orders = len({row["order"] for row in used})
    return markdown(["target", "format", f"LUTs of {cols} front-ends", "LUTs of `szt_matmul`",
                     "to plain ternary", "FFs", "block RAMs"], lines) + \
        f"\n`small`, median (least–greatest) over {orders} orders of the source files. {tools(used)}\n"


def multiply(results: Results, configs: dict) -> str:
    lines, used = [], []
    for target in NAMES:
        for label, where in (("portable", {"top": "array", "body": "portable"}),
                             ("folded", {"top": "array", "body": "folded"}),
                             ("int8 weights", {"top": "int8", "body": "portable"})):
            row = results.one("multiply", target, where["top"], body=where["body"])
            if not row:
                continue
            used.append(row)
            macs = configs["medium"]["rows"] * configs["medium"]["cols"]
            if "area" in row:
                lines.append([NAMES[target], label, NONE, NONE, NONE, NONE,
                              f"{row['area'] / macs:,.0f} µm², {number(row.get('delay_ps'))} ps"])
            else:
                lines.append([NAMES[target], label, per_mac(row), number(row["ffs"] / macs, 2),
                              number(row["carries"] / macs, 2), number(row["dsps"] / macs, 2), NONE])
    return markdown(["target", "element", "LUTs a MAC", "FFs a MAC", "carry cells a MAC",
                     "DSPs a MAC", "standard cells a MAC; delay of the array"], lines) + \
        f"\nThe array of `medium` alone. {tools(used)}\n"


def clock(results: Results, configs: dict) -> str:
    lines, used = [], []
    for target, config, body in (("ice40", "small", "portable"), ("ecp5", "medium", "portable"),
                                 ("ecp5", "medium", "folded")):
        row = results.one("clock", target, "array", config=config, body=body)
        lone = results.one("clock", target, "adder", config=config)
        if not row or "fmax_median" not in row:
            continue
        used += [row, lone]
        macs = configs[config]["rows"] * configs[config]["cols"]
        share = f"{row['fmax_median'] / lone['fmax_median']:.2f}" \
            if lone and "fmax_median" in lone else NONE
        lines.append([f"{row['device']}", f"`{config}`, {body}", rate(row), rate(lone), share,
                      number(row["cells_packed"] / macs, 1)])
    return markdown(["part", "array", "MHz", "a lone adder of its widest sum, MHz", "ratio",
                     "packed cells a MAC"], lines) + f"\n{tools(used)}\n"


def ratio(results: Results, configs: dict) -> str:
    lines, used = [], []
    for target, config in (("ice40", "small"), ("ecp5", "medium")):
        plain, szt = (results.one("ratio", target, "core", format=f) for f in ("bt", "szt"))
        if not plain or not szt or "fmax_median" not in plain or "fmax_median" not in szt:
            continue
        used += [plain, szt]
        lines.append([plain["device"], f"`{config}`", rate(plain), rate(szt),
                      f"{szt['fmax_median'] / plain['fmax_median']:.3f}"])
    return markdown(["part", "`matmul_core`", "plain ternary, MHz", "SZT, MHz", "ratio of medians"],
                    lines) + f"\n{tools(used)}\n"


def placed_configs(results: Results, configs: dict) -> list[tuple[str, dict]]:
    rows = [(config, results.one("configs", target, "axi", config=config))
            for config in configs for target in ("ice40", "ecp5")]
    return [(config, row) for config, row in rows if row]


def configurations(results: Results, configs: dict) -> str:
    lines, used = [], []
    for config, row in placed_configs(results, configs):
        used.append(row)
        device = row["device"] if config != "large" else row["device"].replace("25F", "85F")
        lines.append([f"`{config}`", device, number(row["luts"]), number(row["ffs"]),
                      number(row["brams"]), "0" if not row["dsps"] else number(row["dsps"]),
                      rate(row)])
    return markdown(["`szt_matmul`", "part", "LUTs", "FFs", "block RAMs", "DSPs", "MHz"], lines) + \
        f"\n{tools(used)}\n"


def roofline(results: Results, configs: dict) -> str:
    """What the streams must carry, from one tile of weights: M vectors go through in max(M, Rows)
    cycles (rtl/README.md, Timing), results leave once in K / Rows tiles."""
    lines, used = [], []
    for config, row in placed_configs(results, configs):
        if "fmax_median" not in row:
            continue
        used.append(row)
        rows, cols = configs[config]["rows"], configs[config]["cols"]
        cells = []
        for m in (1, 8, 64, 256):
            cycles = max(m, rows)
            into = rows * m + rows * cols / 4
            out = 4 * cols * m * rows / K
            giga = row["fmax_median"] * 1e6 / 1e9
            cells.append(f"{rows * cols * m / cycles * giga:.2f} ({into / cycles * giga:.2f}, "
                         f"{out / cycles * giga:.3f})")
        lines.append([f"`{config}`", row["device"] if config != "large"
                      else row["device"].replace("25F", "85F"),
                      number(rows * cols * row["fmax_median"] / 1000, 1), per_mac(row), *cells])
    return markdown(["configuration", "part", "peak GMAC/s", "LUTs a MAC, whole core",
                     *(f"M = {m}" for m in (1, 8, 64, 256))], lines) + \
        f"\nFor each M: GMAC/s (GB/s of codes and activations in, GB/s of results out), K = {K}.\n"


TABLES = {"cost": cost, "multiply": multiply, "clock": clock, "ratio": ratio,
          "configurations": configurations, "roofline": roofline}
PAGES = ("rtl/synthesis.md", "README.md")
MARKED = re.compile(r"(<!-- synthesis: (\w+) -->\n).*?(<!-- /synthesis -->\n)", re.DOTALL)


def fill(page: Path, files: list[dict]) -> None:
    """Rewrites what stands between the marks of a page."""
    results = Results(files)
    configs = json.loads(CONFIGS.read_text(encoding="utf-8"))
    text = page.read_text(encoding="utf-8")
    marks = [match[2] for match in MARKED.finditer(text)]
    if not marks or set(marks) - set(TABLES):
        raise Failure(f"{page.name}: no marks of {', '.join(TABLES)}, or others", 2)

    def table(match: re.Match) -> str:
        made = TABLES[match[2]](results, configs)
        if made.count("\n|") < 2:  # a head and no line
            made = "Not measured yet.\n"
        return f"{match[1]}\n{made}\n{match[3]}"

    filled = MARKED.sub(table, text)
    page.write_text(filled, encoding="utf-8")
