"""What Hill's estimate and a generalised Pareto law say of tails that are known.

    python benchmarks/tail_index.py                      # 200 data sets of 4,000 values a law
    python benchmarks/tail_index.py --sets 10            # tiny

Prints, for each law and share of values above the threshold, the mean of both estimates, how often
the 95% interval holds the true ξ, and how often the tail is called a power tail. With --figures
docs, draws one data set of each law: tail-index.png and fit-plots.png.
"""

import argparse
from pathlib import Path

from bootstrap_size import TRUE, drawn
from scipy import sparse

import neglog.validation

# law → the index of its tail
XI = {"exponential": 0.0, "weibull": 0.0, "log-normal": 0.0, "lomax": 1 / 3}
SHARES = (0.5, 0.25, 0.1, 0.05, 0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--values", type=int, default=4000)
    parser.add_argument("--figures", type=Path, default=None, help="folder, such as docs")
    options = parser.parse_args()
    print("| law | true ξ | share | Pareto ξ | holds | power | Hill ξ | holds |\n|" + "---|" * 8)
    for name, true in XI.items():
        codes = drawn(name, options.sets, options.values, 0)
        table = neglog.validation.tail(codes, SHARES)
        for share in SHARES:
            part = table[table["share"] == share]
            pareto = ((part["low"] <= true) & (true <= part["high"])).mean()
            hill = ((part["hill_low"] <= true) & (true <= part["hill_high"])).mean()
            power = (part["tail"] == "power").mean()
            print(
                f"| {name} {TRUE[name]} | {true:.2f} | {share} | {part['xi'].mean():.2f} | "
                f"{pareto:.0%} | {power:.0%} | {part['hill'].mean():.2f} | {hill:.0%} |"
            )
    if options.figures:
        one = [drawn(name, 1, options.values, 1) for name in XI]
        codes = sparse.csc_array(sparse.hstack(one))
        names = dict(enumerate(XI))
        neglog.validation.tail_figure(
            neglog.validation.tail(codes, SHARES), options.figures / "tail-index.png", names=names
        )
        neglog.validation.fit_figure(
            codes, options.figures / "fit-plots.png", features=[1, 2], names=names
        )


if __name__ == "__main__":
    main()
