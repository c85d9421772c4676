#!/bin/bash
# 离线安装、升级、卸载 command-monitor；不需要网络，可重复运行。
# Installs, upgrades and removes command-monitor without any network; may be run again and again.
#
#   ./install.sh                  安装或升级 / install or upgrade
#   ./install.sh --config DIR     并放入 DIR 中的配置，然后启动 / also put in the files of DIR, then start
#   ./install.sh --check          只说要做什么，不改动 / say what would be done, change nothing
#   ./install.sh --back           退回上一版本 / go back to the version before
#   ./install.sh --uninstall      卸载，保留数据和配置 / remove the program, leave data and configuration
#   ./install.sh --uninstall --purge   连数据和配置一起删除 / remove those, too
#
#   --key FILE     发布者的公钥 (PEM, Ed25519)，用来验证签名 / public key of whoever made the bundle: the signature is verified
#   --python FILE  用哪个 Python / which Python to use
#   --root DIR     装入 DIR 下的系统镜像，不启动 / install into an image below DIR, start nothing
#   --no-start     不启动 / start nothing
set -euo pipefail
umask 022

here=$(cd "$(dirname "$0")" && pwd)
verb=install dry='' purge='' root='' key='' config='' python='' start=yes

die() {
    printf '✘ %s\n  %s\n' "$1" "$2" >&2
    exit 1
}

say() { printf '%s %s · %s\n' "${dry:-•}" "$1" "$2"; }

# What changes anything goes through this.
run() { [ -n "$dry" ] || "$@"; }

while [ $# -gt 0 ]; do
    case $1 in
        --check) dry='？' ;;
        --uninstall) verb=uninstall ;;
        --back) verb=back ;;
        --purge) purge=yes ;;
        --no-start) start='' ;;
        --key | --python | --root | --config)
            [ $# -gt 1 ] || die "$1 需要一个值" "$1 needs a value"
            [ -e "$2" ] || die "$2 不存在" "$2 is not there"
            printf -v "${1#--}" %s "$(realpath -s "$2")"
            shift
            ;;
        --help | -h)
            sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
            exit 0
            ;;
        *) die "不认识 $1；见 --help" "$1 is not known; see --help" ;;
    esac
    shift
done
[ -z "$purge" ] || [ "$verb" = uninstall ] || die "--purge 只能和 --uninstall 一起用" "--purge goes with --uninstall only"
[ "$root" != / ] || root=''

name="command-monitor"
opt=$root/opt/$name
etc=$root/etc/$name
units=$root/usr/local/lib/systemd/system
link=$root/usr/local/bin/$name
doc=$root/usr/share/doc/$name
sysusers=$root/usr/lib/sysusers.d/$name.conf
tmpfiles=$root/usr/lib/tmpfiles.d/$name.conf

told() { sed -n "s/^$1=//p" "$here/BUNDLE"; }

systemd_runs() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

is_active() { systemd_runs && systemctl --quiet is-active "$name.service"; }

as_service() { if [ -z "$root" ]; then runuser -u "$name" -- "$@"; else "$@"; fi; }

# The program of version $1; below --root its first line leads elsewhere, so it is run by its Python.
program() {
    local version=$1
    shift
    as_service "$opt/$version/bin/python" -I -m monitor "$@"
}

current() { if [ -L "$opt/current" ]; then readlink "$opt/current"; fi; }

need_root() {
    [ -n "$dry$root" ] || [ "$(id -u)" = 0 ] || die "需要 root" "root is needed"
    [ -n "$root" ] || ! dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
        die "已经装有 Debian 软件包 $name，先卸载它" "the Debian package $name is installed: remove it first"
}

verify() {
    say "核对校验和" "Verifying the checksums"
    (cd "$here" && sha256sum --quiet --strict --check SHA256SUMS) >&2 ||
        die "安装包已损坏或被改动" "the bundle is damaged, or was changed"
    if [ -n "$key" ]; then
        say "用 $key 验证签名" "Verifying the signature by $key"
        command -v openssl >/dev/null || die "验证签名需要 openssl" "openssl is needed for that"
        openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$here/SHA256SUMS" \
            -sigfile "$here/SHA256SUMS.sig" >/dev/null 2>&1 ||
            die "签名不对，不安装" "the signature is not by that key: nothing is installed"
    fi
}

find_python() {
    local found candidate pythons
    pythons=$(told pythons)
    for candidate in ${python:-/usr/bin/python3 python3.13 python3.12 python3.11 python3}; do
        found=$("$candidate" -I -c 'import sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        case " $pythons " in
            *" $found "*)
                python=$(command -v "$candidate")
                say "使用 Python $found ($python)" "Using Python $found ($python)"
                return
                ;;
        esac
    done
    die "没有合适的 Python：此安装包用于 Python $pythons" "no Python that fits: this bundle is for Python $pythons"
}

check_machine() {
    local machine
    machine=$(uname -m)
    case " $(told arches) " in
        *" $machine "*) ;;
        *) die "此安装包用于 $(told arches)，本机是 $machine" "this bundle is for $(told arches), this is $machine" ;;
    esac
}

# Its version is its folder's name; another bundle of the same version gets one of its own.
folder_name() {
    local version mark
    version=$(told version)
    if [ -f "$opt/$version/.complete" ] && ! cmp -s "$opt/$version/.complete" "$here/SHA256SUMS"; then
        mark=$(sha256sum "$here/SHA256SUMS")
        version=$version+${mark:0:8}
    fi
    echo "$version"
}

put() { # put MODE FROM TO: say so only if anything is new
    cmp -s "$2" "$3" || { say "写入 $3" "Writing $3" && run install -D -m "$1" "$2" "$3"; }
}

make_user() {
    put 644 "$here/deploy/systemd/$name.sysusers.conf" "$sysusers"
    put 644 "$here/deploy/systemd/$name.tmpfiles.conf" "$tmpfiles"
    if [ "$(id -u)" = 0 ] && [ -e "$root/etc/passwd" ] && command -v systemd-sysusers >/dev/null; then
        say "建立用户和目录" "Making the user and the folders"
        run systemd-sysusers ${root:+--root="$root"} "$name.conf"
        run systemd-tmpfiles ${root:+--root="$root"} --create "$name.conf"
    elif [ -n "$root" ]; then
        say "不建立用户：需要 root、systemd-sysusers 和一个完整的系统" "Making no user: that takes root, systemd-sysusers and a whole system"
        run mkdir -p "$etc"
    else
        [ -n "$dry" ] || die "没有 systemd-sysusers" "systemd-sysusers is not there"
    fi
}

build() {
    local version=$1 place=$opt/$1
    if [ -f "$place/.complete" ]; then
        say "版本 $version 已经装好" "Version $version is installed already"
        return
    fi
    say "建立虚拟环境 $place" "Building the environment $place"
    [ -n "$dry" ] || fill "$place" || die "没有建成 $place" "$place could not be built"
}

fill() {
    local place=$1 share=$1/share/$name
    rm -rf "$place" &&
        mkdir -p "$opt" "$share" &&
        "$python" -I -m venv --without-pip "$place" &&
        offline "$place" --require-hashes -r "$here/requirements.lock" &&
        offline "$place" --no-deps "$name==$(told version)" &&
        "$place/bin/python" -I -m compileall -q -j 0 "$place/lib" >/dev/null &&
        find "$place/bin" -type f ! -name "$name" -delete && # what others bring along is not for this machine
        { [ -z "$root" ] || sed -i "s|$root/|/|g" "$place/bin/$name" "$place/pyvenv.cfg"; } &&
        cp -r "$here"/{deploy,config,docs,README.md,README.zh-CN.md,CHANGELOG.md,LICENSE,sbom.cdx.json,install.sh,BUNDLE} \
            "$share/" &&
        cp "$here/SHA256SUMS" "$place/.complete"
}

offline() {
    local place=$1 pip=("$here"/wheels/pip-*.whl)
    shift
    PIP_CONFIG_FILE=/dev/null "$place/bin/python" -I "${pip[0]}/pip" --isolated --quiet install \
        --disable-pip-version-check --no-index --no-cache-dir --no-compile --only-binary :all: --find-links "$here/wheels" "$@"
}

# A file that was edited here stays; ours comes to lie beside it.
configure() {
    local from to
    [ -n "$config" ] || return 0
    while IFS= read -r -d '' from; do
        to=$etc/${from#"$config"/}
        if [ -e "$to" ] && ! cmp -s "$from" "$to"; then
            say "$to 已经存在，保留；新的在 $to.new" "$to is there and stays; the new one is $to.new"
            to=$to.new
        fi
        case $to in
            "$etc"/secrets/*) put 600 "$from" "$to" ;;
            *) put 640 "$from" "$to" ;;
        esac
        case $root$to in
            "$etc"/secrets/*) ;;
            "$etc"/*) run chgrp "$name" "$to" ;;
        esac
    done < <(find "$config" -type f -print0 | sort -z)
    [ -n "$root" ] || run find "$etc" -mindepth 1 -type d ! -name secrets -exec chgrp "$name" {} + -exec chmod 750 {} +
}

# Returns 0 if there are settings and this version has nothing to say against them, 1 if there are none; ends otherwise.
settings_are_right() {
    local version=$1
    [ -e "$etc/settings.yaml" ] || return 1
    say "用版本 $version 检查配置" "Checking the configuration by version $version"
    [ -n "$dry" ] || program "$version" check --settings "$etc/settings.yaml" ||
        die "配置有错，什么也没有启动或切换" "the configuration is wrong: nothing was started or switched"
}

back_up() {
    local version=$1 said
    say "升级前备份日志库" "Backing up the log before the upgrade"
    [ -z "$dry$root" ] || return 0
    if said=$(program "$version" backup --settings "$etc/settings.yaml" "/var/backups/$name" 2>&1); then
        printf '  %s\n' "$said"
        backup=${said%%: *}
    elif [[ $said == *"no log there"* ]]; then
        say "还没有日志库" "There is no log yet"
    else
        die "备份失败，没有升级：$said" "the backup failed, nothing was switched"
    fi
}

# Let version $1 be the one that runs.
switch_to() {
    local version=$1 from=$opt/$1/share/$name/deploy/systemd unit
    [ -z "$dry" ] || from=$here/deploy/systemd
    if [ "$(current)" != "$version" ]; then
        say "切换到版本 $version" "Switching to version $version"
        run ln -sfn "$version" "$opt/current.new"
        run mv -T "$opt/current.new" "$opt/current"
    fi
    for unit in "$from/"*.service "$from/"*.timer; do
        put 644 "$unit" "$units/${unit##*/}"
        [ ! -e "$root/etc/systemd/system/${unit##*/}" ] ||
            say "注意：/etc/systemd/system/${unit##*/} 盖住了它" "Note: /etc/systemd/system/${unit##*/} hides it"
    done
    run mkdir -p "${link%/*}" "${doc%/*}"
    run ln -sfn "/opt/$name/current/bin/$name" "$link"
    run ln -sfn "/opt/$name/current/share/$name/docs" "$doc"
    ! systemd_runs || run systemctl daemon-reload
}

start_it() {
    say "启动，等待就绪" "Starting, and waiting until it is ready"
    run systemctl restart "$name.service" || return
    run systemctl try-restart "$name@*.service" || true # further vantages, if there are any
}

# Version $1 ran before and goes on, with the log of before if it cannot read the other's.
fall_back() {
    local version=$1
    say "没有就绪，退回 $version" "It does not get ready: going back to $version"
    systemctl stop "$name.service"
    switch_to "$version"
    if ! start_it; then
        systemctl stop "$name.service"
        restore_log "$version"
        start_it || true
    fi
    die "失败，现在的版本仍是 $version；原因见 journalctl -u $name" \
        "failed, the version is $version still; see journalctl -u $name for the reason"
}

restore_log() {
    local version=$1
    [ -n "${backup:-}" ] || return 0
    say "恢复升级前的备份 $backup" "Restoring the backup of before, $backup"
    program "$version" restore --settings "$etc/settings.yaml" "$backup"
}

# Of all versions the current one and the one before it stay.
tidy() {
    local version=$1 before=$2 place
    [ -z "$before" ] || [ "$before" = "$version" ] || run ln -sfn "$before" "$opt/previous"
    for place in "$opt"/*/; do
        place=${place%/}
        case ${place##*/} in
            "*" | current | previous | "$version" | "$(readlink "$opt/previous" 2>/dev/null)") ;;
            *) say "删除旧版本 $place" "Removing the old version $place" && run rm -rf "$place" ;;
        esac
    done
}

install_it() {
    local version before running='' right=''
    need_root
    verify
    check_machine
    find_python
    version=$(folder_name)
    before=$(current)
    ! is_active || running=yes
    make_user
    build "$version"
    configure
    ! settings_are_right "$version" || right=yes
    [ -z "$before" ] || [ "$before" = "$version" ] || [ -z "$right" ] || back_up "$before"
    switch_to "$version"
    if [ -z "$right" ]; then
        say "还没有配置：写好 $etc/settings.yaml（样例在 $opt/current/share/$name/config），再运行一次并加 --config，或 systemctl enable --now $name" \
            "There are no settings yet: write $etc/settings.yaml (examples: $opt/current/share/$name/config), then systemctl enable --now $name.service $name-backup.timer"
    elif ! systemd_runs || [ -z "$start" ]; then
        say "没有启动" "Nothing was started"
    elif [ -n "$running" ] && [ "$before" = "$version" ] && [ -z "$config" ]; then
        say "正在运行" "It runs"
    elif [ -n "$running" ]; then
        start_it || { [ "$before" = "$version" ] || fall_back "$before"; }
    elif [ -z "$before" ] || [ -n "$config" ]; then
        run systemctl --quiet enable "$name.service" "$name-backup.timer"
        run systemctl start "$name-backup.timer"
        start_it || die "没有就绪；见 journalctl -u $name" "it does not get ready; see journalctl -u $name"
    else
        say "它原来就没有运行，不启动" "It did not run before: nothing was started"
    fi
    tidy "$version" "$before"
    say "完成：版本 $version" "Done: version $version"
}

go_back() {
    local version before running=''
    need_root
    before=$(current)
    [ -L "$opt/previous" ] || die "没有上一版本" "there is no version before"
    version=$(readlink "$opt/previous")
    ! is_active || running=yes
    ! settings_are_right "$version" || true
    switch_to "$version"
    [ -z "$running" ] || start_it || fall_back "$before"
    run ln -sfn "$before" "$opt/previous"
    say "完成：版本 $version" "Done: version $version"
}

uninstall() {
    local running
    need_root
    if systemd_runs; then
        say "停止" "Stopping"
        mapfile -t running < <(systemctl list-units --plain --no-legend "$name@*.service" | cut -d' ' -f1)
        run systemctl --quiet disable --now "$name.service" "$name-backup.timer" "${running[@]}" 2>/dev/null || true
    fi
    say "删除程序" "Removing the program"
    run rm -f "$units/$name"{,@,-backup,-failed@}.service "$units/$name-backup.timer"
    run rm -rf "$opt" "$link" "$doc"
    run rm -f "$sysusers" "$tmpfiles"
    ! systemd_runs || run systemctl daemon-reload
    if [ -n "$purge" ]; then
        say "删除配置、数据、备份和用户" "Removing configuration, data, backups and the user"
        run rm -rf "$etc" "$root/var/lib/$name" "$root/var/backups/$name" "$root/etc/systemd/system/$name"*.d \
            "$root/var/lib/systemd/timers/stamp-$name-backup.timer"
        [ -n "$root" ] || run userdel "$name" 2>/dev/null || true
    else
        say "保留 $etc、$root/var/lib/$name、$root/var/backups/$name" \
            "Left: $etc, $root/var/lib/$name, $root/var/backups/$name"
    fi
    say "完成" "Done"
}

case $verb in
    install) install_it ;;
    back) go_back ;;
    uninstall) uninstall ;;
esac
