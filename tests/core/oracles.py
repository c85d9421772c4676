"""Two solvers of other people, asked for the cheapest answer to a puzzle: HiGHS (MILP) and RC2 (MaxSAT)."""

from itertools import count

SCALE = 10_000
"""RC2 wants whole weights."""


def by_highs(puzzle, highspy):
    """Return the cost of the cheapest answer by mixed-integer programming."""
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 1e-7)
    column, constant = count(), 0.0

    def variable(cost, *, whole=False):
        solver.addCol(cost, 0.0, 1.0, 0, [], [])
        number = next(column)
        if whole:
            solver.changeColIntegrality(number, highspy.HighsVarType.kInteger)
        return number

    def at_least(low, terms):
        solver.addRow(low, highspy.kHighsInf, len(terms), list(terms), list(terms.values()))

    broken = {name: variable(puzzle.weight(name), whole=True) for name in puzzle.topology.components}
    for name, seen in puzzle.evidence.items():
        ways, cost = puzzle.topology.observations[name].alternatives, puzzle.denied(name)
        down = variable(-cost if seen.llr > 0 else cost, whole=True)
        constant += cost if seen.llr > 0 else 0.0
        shut = [variable(0.0, whole=True) for _ in ways]
        for way, closed in zip(ways, shut, strict=True):
            at_least(0.0, {**{broken[c]: 1.0 for c in way}, closed: -1.0})
            at_least(0.0, {closed: 1.0, down: -1.0})
            for component in way:
                at_least(0.0, {closed: 1.0, broken[component]: -1.0})
        at_least(1.0 - len(ways), {down: 1.0, **dict.fromkeys(shut, -1.0)})
    solver.run()
    return solver.getInfo().objective_function_value + constant


def by_rc2(puzzle, formula, rc2):
    """Return the cost of the cheapest answer by maximum satisfiability."""
    numbers, clauses = count(1), formula()
    broken = {name: next(numbers) for name in puzzle.topology.components}
    for name, number in broken.items():
        clauses.append([-number], weight=round(puzzle.weight(name) * SCALE))
    for name, seen in puzzle.evidence.items():
        ways, down = puzzle.topology.observations[name].alternatives, next(numbers)
        clauses.append([down if seen.llr > 0 else -down], weight=round(puzzle.denied(name) * SCALE))
        shut = [next(numbers) for _ in ways]
        for way, closed in zip(ways, shut, strict=True):
            clauses.append([-closed, *(broken[c] for c in way)])
            clauses.append([closed, -down])
            for component in way:
                clauses.append([closed, -broken[component]])
        clauses.append([down, *(-closed for closed in shut)])
    # Only its stratified form with CaDiCaL comes back from all of these.
    with rc2(clauses, solver="cd153") as solver:
        solver.compute()
        return solver.cost / SCALE
