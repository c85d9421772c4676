"""Chinese words of the page that is handed over (交接班)."""

HANDOVER = {
    "title": "交接班记录",
    "leaving": "交班",
    "coming": "接班",
    "duty": "值班",
    "no_roster": "未配置值班表",
    "incidents": "未结束的事件",
    "alarms": "未结束的告警",
    "muted": "静音中的告警",
    "notices": "在途或被拒的通知",
    "planned": "24 小时内的计划检修",
    "troubles": "本程序的故障",
    "none": "无",
    "suspected": "疑似",
    "confirmed": "确认",
    "recovering": "恢复中",
    "is_planned": "检修",
    "under_way": "进行中",
    "waiting": "待开始",
    "signed": "已签字：审计记录第 {number} 条，SHA-256 {sha256}",
    "not_recorded": "已签字，但磁盘尚未写入，审计记录暂无编号；SHA-256 {sha256}",
}
