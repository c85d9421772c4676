"""What the dashboards say, in each language."""

from typing import NamedTuple


class Text(NamedTuple):
    """One text in Chinese and in English."""

    zh: str
    en: str

    def said(self, language: str) -> str:
        """Return it in *language*."""
        return self.zh if language == "zh" else self.en


HEALTH = {
    "-2": (Text("检修", "maintenance"), "blue"),
    "-1": (Text("未知", "unknown"), "purple"),
    "0": (Text("正常", "up"), "green"),
    "1": (Text("备用运行", "on backup"), "yellow"),
    "2": (Text("降级", "degraded"), "orange"),
    "3": (Text("中断", "down"), "red"),
}
PRESENCE = {
    "-1": (Text("未曾收到", "unheard"), "purple"),
    "0": (Text("在线", "online"), "green"),
    "1": (Text("已停止", "stopped"), "blue"),
    "2": (Text("失联", "silent"), "red"),
}
YES = {"0": (Text("否", "no"), "red"), "1": (Text("是", "yes"), "green")}
BACKUP = {"0": (Text("未用", "idle"), "green"), "1": (Text("在用", "in use"), "yellow")}

CITY = Text("全市", "City")
CENTER = Text("指挥中心", "Center")
QUALITY = Text("电路质量", "Circuit quality")
ITSELF = Text("监测程序自身", "The monitor itself")
FOLDER = Text("指挥网络", "Command network")
CENTER_NAME = Text("指挥中心", "Center")
