"""How much do accumulator banks matter? One parameter, several values, everything else equal."""

import accelsim as ax

for banks in (1, 2, 4, 8):
    result = ax.run(hw="core", samples=4, set={"core.accumulator.memory.banks": banks})
    conflicts = result.value("stall_bank_conflict")
    print(f"{banks} banks: {result.value('latency') / 1e3:5.1f} us, {conflicts:7,.0f} cycles of bank conflicts")
