"""What `learned` says, in both languages."""

TEXTS: dict[str, dict[str, str]] = {
    "zh": {
        "head": "{bearer}，每 {period:g} 秒检测",
        "service": "服务",
        "watched": "，正常观测 {duration}",
        "nothing": "，尚无积累，按线路类型估计",
        "isolated": "零星丢失 {share}",
        "bursts": "短时中断约每天 {daily} 次，平均 {mean:.1f} 秒，其间丢失 {inside}",
        "no_bursts": "几乎没有短时中断（按平均 {mean:.1f} 秒考虑）",
        "rtt": "往返 {usual} ms，95% 不超过 {most} ms",
        "slow": "超过 {limit} ms 算慢",
        "down": "据此：连续 {looks} 次无应答、{seconds:.1f} 秒后判为中断",
        "days": "{count:.1f} 天",
        "hours": "{count:.1f} 小时",
        "comma": "；",
    },
    "en": {
        "head": "{bearer}, looked at every {period:g} s",
        "service": "service",
        "watched": ", watched for {duration} while it was well",
        "nothing": ", nothing learned yet: taken for what its kind usually is",
        "isolated": "loses {share} one by one",
        "bursts": "black-outs about {daily} times a day, {mean:.1f} s on average, {inside} lost in them",
        "no_bursts": "hardly any black-outs (taken for {mean:.1f} s on average)",
        "rtt": "round trips take {usual} ms, 95% at most {most} ms",
        "slow": "slow above {limit} ms",
        "down": "so it is believed down after {looks} misses in a row, {seconds:.1f} s after the first",
        "days": "{count:.1f} days",
        "hours": "{count:.1f} hours",
        "comma": "; ",
    },
}
