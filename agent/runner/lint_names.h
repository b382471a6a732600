// The programs that a policy may not hand out, by base name: shells and interpreters; editors and pagers; what starts
// other programs; what writes, moves or unpacks any file it is told to; package, container and debug tools; clients
// that have a "!". A list like this is never complete: it catches mistakes, and the approvers read what it cannot know.
// Sorted, each once: lint.cc searches by halves.
#pragma once

#include <array>
#include <string_view>

namespace reeve::runner {

// clang-format off
constexpr std::array<std::string_view, 2362> refused_programs{
    "2to3", "7z", "7za", "7zr", "7zz", "GET", "HEAD", "Mail", "POST", "R", "Rscript", "VBoxManage", "Xvfb", "a2ps",
    "aa-complain", "aa-disable", "aa-enforce", "aa-exec", "ab", "abcl", "abduco", "aclocal", "acme.sh", "acpid",
    "adcli", "add-apt-repository", "add-shell", "addgroup", "addr2line", "adduser", "adjtimex", "ae", "age", "agetty",
    "aide", "alacritty", "alien", "alpine", "amazon-ssm-agent", "anacron", "analyze-build", "animate", "ansible",
    "ansible-console", "ansible-galaxy", "ansible-playbook", "ansible-pull", "ansible-test", "ansible-vault", "ant",
    "aoss", "apache2", "apache2ctl", "apachectl", "apk", "apl", "apparmor_parser", "apport-bug", "apport-cli",
    "apptainer", "apropos", "apt", "apt-add-repository", "apt-cache", "apt-config", "apt-extracttemplates", "apt-file",
    "apt-get", "apt-key", "apt-mark", "aptdcon", "aptitude", "ar", "arc", "archivemount", "argocd", "aria2c", "arj",
    "arping", "arpspoof", "arptables", "as", "ascii-xfr", "ascii85", "asciidoc", "asciidoctor", "asdf", "ash", "aspell",
    "asterisk", "astyle", "at", "at-spi-bus-launcher", "atd", "atftp", "atobm", "atop", "atq", "atrm", "attic", "attr",
    "auditctl", "authselect", "autoconf", "autoheader", "autom4te", "automake", "automount", "autoreconf", "autossh",
    "avconv", "avrdude", "awk", "awka", "aws", "aws-vault", "awstats", "axel", "az", "babashka", "badblocks", "base32",
    "base58", "base64", "basenc", "basex", "basez", "bash", "bashdb", "bashtop", "bat", "batcat", "batch", "bats",
    "bazel", "bazelisk", "bb", "bc", "bcc-tool", "bconsole", "bcp", "bcron", "beanshell", "bear", "beeline",
    "bettercap", "biber", "bibtex", "biew", "bigloo", "bindfs", "biosdecode", "bison", "blender", "blkdiscard",
    "blockdev", "bmake", "bochs", "bonnie", "bootc", "bootctl", "borg", "borgbackup", "boundary", "box64", "bpfcc",
    "bpftrace", "bpython", "bqn", "brctl", "brew", "bridge", "brotli", "brz", "bsd-csh", "bsd-mailx", "bsdcpio",
    "bsdiff", "bsdtar", "bsh", "bspatch", "bsqldb", "btop", "bubblewrap", "buck", "buildah", "bun", "bundle", "bundler",
    "bunzip2", "bup", "busctl", "busybox", "bvi", "bwk", "bwrap", "byacc", "byebug", "byobu", "bzip2", "bzless",
    "bzmore", "bzr", "c++", "c89", "c99", "cabal", "cadaver", "calife", "cancel", "capsh", "cargo", "catatonit",
    "catchsegv", "catman", "cbt", "cc", "cc1", "ccache", "ccl", "ccmake", "ccze", "cdebootstrap", "cdist", "cdrecord",
    "certbot", "certtool", "cf", "cf-agent", "cfdisk", "cfengine", "cfssl", "cgdb", "ch-run", "chage", "chamber",
    "chattr", "chcon", "check_by_ssh", "check_cups", "check_log", "check_memory", "check_nrpe", "check_nt",
    "check_raid", "check_ssl_cert", "check_statusfile", "checkinstall", "chef", "chef-client", "chef-solo", "chez",
    "chfn", "chgpasswd", "chgrp", "chibi-scheme", "chkconfig", "chkrootkit", "chmod", "choom", "chown", "chpasswd",
    "chpst", "chrome", "chromedriver", "chromium", "chronic", "chroot", "chrpath", "chrt", "chsh", "chvt", "ci",
    "circuitpython", "cjs", "ckermit", "clamd", "clamdscan", "clamscan", "clang", "clang++", "clang-cpp",
    "clang-format", "clickhouse", "clickhouse-client", "clickhouse-local", "clisp", "clj", "clojure",
    "cloud-hypervisor", "cloud-init", "cloud-init-per", "clusterssh", "cmake", "co", "cobc", "cobcrun", "cockroach",
    "colima", "collect2", "collectd", "colordiff", "colrm", "column", "combine", "comm", "compose", "composer",
    "composite", "compress", "conan", "conda", "confd", "configure", "conjure", "connect-proxy", "consul",
    "consul-template", "containerd", "containerd-shim", "context", "convert", "coredumpctl", "corelist", "corepack",
    "corkscrew", "corosync-cfgtool", "cowbuilder", "cowsay", "cowthink", "cp", "cpack", "cpan", "cpanm", "cpgr", "cpio",
    "cpp", "cppcheck", "cppw", "cpulimit", "cqlsh", "crash", "createdb", "createuser", "crictl", "crm", "crm_resource",
    "crmsh", "cron", "crond", "cronolog", "crontab", "crosvm", "crun", "cryptcat", "cryptmount", "cryptsetup",
    "crystal", "csc", "cscope", "csh", "csharp", "csi", "csplit", "cssh", "csvtool", "csysdig", "ctags", "ctest",
    "ctl_cyrusdb", "ctr", "ctrlaltdel", "cu", "cupsctl", "cupsfilter", "curl", "curlftpfs", "cut", "cvlc", "cvs",
    "cvsserver", "cython", "czkawka", "d8", "daemon", "daemonize", "daemontools", "darcs", "darkhttpd", "dart", "dash",
    "db2", "dbclient", "dbmmanage", "dbus-daemon", "dbus-launch", "dbus-run-session", "dbus-send",
    "dbus-update-activation-environment", "dc", "dcfldd", "dchroot", "dd", "ddrescue", "deb-systemd-helper",
    "deb-systemd-invoke", "debconf", "debconf-communicate", "debconf-set-selections", "debhelper", "debootstrap",
    "debugfs", "debuild", "dehydrated", "delgroup", "delta", "deluser", "delv", "deno", "depmod", "derby", "detox",
    "dev_appserver", "dgsh", "dh", "dhclient", "dhcpcd", "dhex", "dia", "dialog", "diff3", "diffoscope", "difft",
    "direnv", "display", "distcc", "distccd", "distrobox", "dkms", "dlltool", "dmake", "dmd", "dmenu", "dmenu_run",
    "dmidecode", "dmsetup", "dnf", "dnf5", "dnsdist", "doas", "docker", "docker-compose", "docker-proxy", "docker.io",
    "dockerd", "dockerize", "doctl", "dos2unix", "dosbox", "dosemu", "dotlockfile", "dotnet", "doveadm", "doveconf",
    "dovecot", "dpkg", "dpkg-buildpackage", "dpkg-deb", "dpkg-divert", "dpkg-query", "dpkg-reconfigure", "dpkg-source",
    "dpkg-split", "dpkg-statoverride", "dpkg-trigger", "dracut", "drbdadm", "drgn", "dropbear", "dropbearkey", "dropdb",
    "dropuser", "dselect", "dsh", "dsniff", "dstat", "dtach", "dte", "dtrace", "duckdb", "duk", "duktape", "dumb-init",
    "dump", "dumpcap", "dumpkeys", "dune", "duplicity", "duply", "dvipdf", "dvipdfm", "dvipdfmx", "dvips", "dvtm",
    "dzdo", "e2image", "e2scrub_all", "e2undo", "e3", "e3vi", "easy_install", "easyrsa", "eatmydata", "eb", "ebtables",
    "ebuild", "ecl", "ecryptfs-mount-private", "ed", "edit", "editcap", "editor", "efax", "efibootmgr", "ejabberdctl",
    "eksctl", "electron", "elfedit", "elinks", "elinks2", "elixir", "elm", "elvis", "elvish", "emacs", "emacsclient",
    "emerge", "enc2xs", "enroot", "enscript", "entr", "env", "envchain", "envconsul", "envdir", "envsubst", "envuidgid",
    "eopkg", "eps2eps", "eqn", "equery", "equivs-build", "erb", "erl", "erlc", "es", "escript", "esh", "espeak",
    "etags", "etcdctl", "etckeeper", "etex", "ettercap", "eu-readelf", "eview", "evim", "evince", "ex", "execlineb",
    "execsnoop", "execstack", "exiftool", "exim", "exim4", "exim_dbmbuild", "exiv2", "exo-open", "expand", "expect",
    "expectk", "extundelete", "f77", "f95", "fab", "fabric", "facter", "fail2ban", "fail2ban-client", "fail2ban-regex",
    "fail2ban-server", "fakechroot", "faked", "fakeroot", "fakeroot-sysv", "fakeroot-tcp", "faketime", "falco", "fasm",
    "fastfetch", "fbc", "fcron", "fcrontab", "fd", "fdfind", "fdisk", "fdupes", "fence_node", "fennel", "fetch",
    "fetchmail", "ffmpeg", "ffplay", "ffprobe", "fgconsole", "fgetty", "file-rename", "filebeat", "find", "finger",
    "fio", "firebird", "firecracker", "firefox", "firejail", "firewall-cmd", "fish", "fisql", "flashrom", "flatpak",
    "flatpak-spawn", "flex", "flock", "fluent-bit", "fluentd", "flutter", "flux", "fly", "flyctl", "fmt", "fold",
    "foot", "foremost", "formail", "forth", "fossil", "fpc", "fpcmake", "fping", "fppkg", "fq", "freeswitch",
    "freshclam", "frida", "frida-trace", "fromdos", "fs_cli", "fsarchiver", "fsck", "fsharpi", "fsi", "fswatch", "ftp",
    "funzip", "fuse-overlayfs", "fusermount", "fusermount3", "fzf", "g++", "gambit", "gameconqueror", "gamemoderun",
    "gapplication", "gas", "gawk", "gbak", "gcc", "gcc-ar", "gcc-nm", "gcc-ranlib", "gcloud", "gcore", "gcov",
    "gcov-tool", "gcp", "gdal_calc", "gdb", "gdb-add-index", "gdbmtool", "gdbserver", "gdbtui", "gdbus", "gdc", "gdd",
    "gdebi", "gdisk", "geany", "geckodriver", "gedit", "gem", "genie", "genisoimage", "gerrit", "getmail", "getty",
    "gfind", "gforth", "gfortran", "gh", "ghc", "ghci", "ghostscript", "gimp", "gimp-console", "ginsh", "ginstall",
    "gio", "git", "git-annex", "git-gui", "git-lfs", "git-receive-pack", "git-shell", "git-upload-pack", "gitk", "gjs",
    "gksu", "gksudo", "glab", "glances", "global", "gm", "gm4", "gmake", "gmv", "gnat", "gnatmake", "gnome-open",
    "gnome-terminal", "gnucobol", "gnuplot", "gnutls-cli", "gnutls-serv", "go", "goaccess", "goawk", "god", "gofmt",
    "gojq", "gold", "google-chrome", "google_metadata_script_runner", "gopass", "gorun", "gosh", "gosu", "gotty",
    "gpart", "gpasswd", "gpg", "gpg-agent", "gpg-connect-agent", "gpg2", "gpgconf", "gpgsm", "gpgv", "gprolog",
    "gracket", "gradle", "gradlew", "graphicsmagick", "grc", "groff", "groovy", "groovysh", "grotty", "groupadd",
    "groupdel", "groupmems", "groupmod", "growisofs", "grpconv", "grub-install", "grub-mkconfig", "gs", "gsc", "gsed",
    "gsettings", "gsi", "gsort", "gsplit", "gst", "gst-launch", "gsutil", "gsx", "gtags", "gtar", "gtee", "gtester",
    "gtime", "gtimeout", "gtk-launch", "guestfish", "guestmount", "guild", "guile", "guix", "gum", "gunicorn", "gunzip",
    "gv", "gvfs-open", "gview", "gvim", "gvimdiff", "gxargs", "gzexe", "gzip", "h2", "h2ph", "h2xs", "hadoop", "halt",
    "hardlink", "hashcat", "hatch", "hbase", "hcloud", "hd", "hddtemp", "hdfs", "hdparm", "heaptrack", "heartbeat",
    "heirloom-mailx", "helix", "helm", "helmfile", "heroku", "hexdump", "hexedit", "hexer", "hg", "hhvm", "hiera",
    "highlight", "hive", "homectl", "hostapd_cli", "hostnamectl", "hping", "hping2", "hping3", "htdbm", "htdigest",
    "htop", "htpasswd", "http", "httpd", "httpie", "https", "hub", "hunspell", "hush", "hwclock", "hx", "hy", "hydra",
    "hyperfine", "i2cset", "i3-msg", "i386", "ibmcloud", "icc", "icdiff", "icecc", "iconc", "icont", "iconv",
    "iconvconfig", "identify", "iex", "ifconfig", "ifdown", "ifne", "ifplugd", "ifquery", "iftop", "ifup", "igawk",
    "img2pdf", "impala-shell", "import", "importctl", "in.inetd", "incrond", "incrontab", "incus", "indent", "inetd",
    "influx", "influxd", "info", "infocmp", "init", "initctl", "initdb", "inkscape", "inotifywait", "insmod", "insserv",
    "install", "installkernel", "installpkg", "instantfpc", "instmodsh", "integritysetup", "intercept-build", "invoke",
    "invoke-rc.d", "inxi", "io", "ionice", "ioping", "iotop", "ip", "ip6tables", "ip6tables-restore", "ip6tables-save",
    "ipa", "iperf", "iperf3", "ipkg", "ipmitool", "ipsec", "iptables", "iptables-restore", "iptables-save", "ipykernel",
    "ipython", "irb", "iredis", "iscsiadm", "isoinfo", "ispell", "isql", "isql-fb", "istioctl", "itcsh", "iusql", "iw",
    "iwasm", "iwatch", "iwconfig", "janet", "jaq", "jar", "jarsigner", "java", "javac", "javadoc", "javaw", "jcmd",
    "jconsole", "jdb", "jdeps", "jdupes", "jed", "jexec", "jhsdb", "jimsh", "jjs", "jlink", "jmacs", "jmod", "joe",
    "john", "join", "joker", "journalctl", "jpackage", "jpico", "jq", "jruby", "jrunscript", "js", "jsc", "jshell",
    "jstar", "jtag", "julia", "jupp", "jupyter", "just", "jython", "k0s", "k3s", "k9s", "kadmin",
    "kafka-console-consumer", "kak", "kakoune", "kamailio", "kamcmd", "kata-runtime", "kate", "kbd_mode", "kde-open",
    "kdesu", "kdesudo", "kdialog", "kdiff3", "keep-one-running", "keepalived", "kermit", "kernel-install", "kexec",
    "keychain", "keydb-cli", "keytool", "kind", "kinit", "kitty", "kmod", "knife", "konsole", "kopia", "kops", "kotlin",
    "kotlinc", "kpsewhich", "kpt", "ksh", "ksh93", "kshdb", "ksshell", "ksu", "kubeadm", "kubectl", "kubectx",
    "kubelet", "kustomize", "kvm", "latex", "latexmk", "latrace", "lazygit", "lbzip2", "lckdo", "lckrun", "ld",
    "ld.bfd", "ld.gold", "ld.lld", "ld.so", "ldapadd", "ldapdelete", "ldapmodify", "ldapsearch", "ldattach", "ldbedit",
    "ldbmodify", "ldc2", "ldconfig", "ldconfig.real", "ldd", "leafpad", "lein", "less", "lessecho", "lessfile",
    "lesspipe", "letsencrypt", "levee", "lex", "lf", "lftp", "lha", "libreoffice", "libtool", "libtoolize",
    "lighttpd-enable-mod", "limactl", "link", "links", "links2", "linode-cli", "linux32", "linux64", "litecli",
    "littler", "lksh", "llc", "lld", "lldb", "lldb-server", "lli", "ln", "lnav", "load_policy", "loadkeys",
    "locale-gen", "localectl", "localedef", "locate", "logcheck", "login", "loginctl", "logsave", "logstash", "logtail",
    "logwatch", "loksh", "look", "losetup", "lp", "lpadmin", "lpr", "lrzip", "lsar", "lshell", "lsyncd", "lto-dump",
    "lto-wrapper", "ltrace", "lua", "luac", "luahbtex", "luajit", "lualatex", "luarocks", "luatex", "luit",
    "lwp-download", "lwp-dump", "lwp-mirror", "lwp-request", "lxc", "lxc-attach", "lxc-console", "lxc-execute",
    "lxc-start", "lxd", "lxterm", "lynis", "lynx", "lz4", "lzip", "lzless", "lzma", "lzop", "m4", "mac2unix",
    "machinectl", "magick", "mail", "maildrop", "mailx", "make", "make-first-existing-target", "makeindex", "makepkg",
    "mamba", "man", "mandb", "mapscrn", "mariadb", "mariadb-binlog", "mariadb-import", "mariadbd", "mariadbd-safe",
    "markdown", "masscan", "matlab", "maven", "mawk", "maxima", "mc", "mcdiff", "mcedit", "mcelog", "mcs", "mcview",
    "mdadm", "medusa", "meld", "memcached-tool", "memusage", "mencoder", "merge", "mergecap", "mergerfs", "mesg",
    "meson", "metafont", "mf", "mg", "mgetty", "micro", "microdnf", "micromamba", "micropython", "mimeopen", "mimetype",
    "mingetty", "minicom", "minijail0", "minikube", "minio", "minised", "mirb", "mise", "mispipe", "mitmdump",
    "mitmproxy", "mix", "mkcert", "mke2fs", "mkfifo", "mkfs", "mkhomedir_helper", "mkinitramfs", "mkisofs", "mknod",
    "mksh", "mksquashfs", "mkswap", "mmdebstrap", "mmv", "modprobe", "mogrify", "mold", "mongo", "mongod", "mongodump",
    "mongoexport", "mongoimport", "mongorestore", "mongos", "mongosh", "monit", "mono", "montage", "moon", "more",
    "mosh", "mosh-client", "mosh-server", "mosquitto", "mosquitto_pub", "mosquitto_sub", "most", "mount", "mount.cifs",
    "mount.fuse", "mount.nfs", "mount.smb3", "mousepad", "mplayer", "mpop", "mpost", "mpv", "mr", "mrsh", "mruby",
    "msfconsole", "msfvenom", "msgattrib", "msgcat", "msgconv", "msgexec", "msgfilter", "msginit", "msgmerge",
    "msguniq", "msmtp", "mt", "mtr", "mtrace", "mujs", "multilog", "multipass", "multistrap", "multitail", "multitime",
    "murex", "mutool", "mutt", "mv", "mvn", "mvnDebug", "mycli", "myrepos", "mysql", "mysqlbinlog", "mysqld",
    "mysqld_safe", "mysqlimport", "mysqlpump", "mysqlsh", "mysqlslap", "mzscheme", "nail", "nala", "named-compilezone",
    "nano", "nasm", "nawk", "nbd-client", "nbdkit", "nc", "nc.openbsd", "nc.traditional", "nc6", "ncat", "ncat6",
    "ncdu", "ncftp", "ncftpget", "ncftpput", "ndiff", "ne", "neofetch", "neomutt", "nerdctl", "netcat", "netcat6",
    "nethogs", "netperf", "networkctl", "newaliases", "newgidmap", "newgrp", "newrole", "newuidmap", "newusers", "nfsd",
    "nft", "ngrep", "ngs", "nice", "nim", "nimble", "ninja", "nix", "nix-build", "nix-env", "nix-shell", "nix-store",
    "njs", "nl", "nm", "nmap", "nmcli", "nmon", "nmtui", "nnn", "node", "nodejs", "nohup", "nomad", "not", "nox",
    "nping", "npm", "npx", "nq", "nroff", "nrpe", "nsenter", "nsjail", "nsupdate", "ntpd", "ntpdate", "nu", "nuget",
    "nullmailer-inject", "numactl", "nushell", "nvi", "nvim", "objcopy", "objdump", "oc", "ocaml", "ocamlfind",
    "ocamlrun", "oci", "ocs", "octave", "octave-cli", "od", "oksh", "okular", "ooRexx", "oomctl", "opam", "open",
    "openconnect", "openocd", "openrc", "opensc-explorer", "opensmtpd", "opensnoop", "openssl", "openstack", "openvpn",
    "openvt", "opkg", "opt", "optirun", "optscript", "original-awk", "osascript", "osh", "osqueryd", "osqueryi",
    "ossec", "ostree", "overlayfs", "p7zip", "pacemaker", "packer", "pacman", "pager", "pam-auth-update",
    "pam-tmpdir-helper", "pam_exec", "pam_namespace_helper", "pandoc", "parallel", "parallel-scp", "parallel-ssh",
    "partclone", "parted", "partprobe", "paru", "pass", "passenger", "passwd", "paste", "pastebinit", "patch",
    "patchelf", "pax", "pbuilder", "pbzip2", "pcp-dstat", "pcs", "pdb", "pdb3", "pdbedit", "pdf2ps", "pdfattach",
    "pdfdetach", "pdflatex", "pdftex", "pdftk", "pdksh", "pdm", "pdsh", "peco", "pee", "percol", "perf", "perl",
    "perl6", "perlbug", "perldoc", "perlivp", "perlthanks", "personality", "petite", "pexec", "pforth", "pftp", "pg",
    "pg_basebackup", "pg_createcluster", "pg_ctl", "pg_dumpall", "pg_receivewal", "pg_restore", "pg_restorecluster",
    "pg_upgradecluster", "pg_virtualenv", "pgbench", "pgcli", "pgp", "pgrphack", "phantomjs", "phar", "photorec", "php",
    "php-cgi", "phpdbg", "phpize", "pic", "pico", "picocom", "piconv", "pidstat", "pigz", "pike", "pine", "pinentry",
    "pinfo", "pip", "pip3", "pipenv", "pipexec", "pipx", "pivot_root", "pkcon", "pkcs11-tool", "pkexec", "pkg",
    "pkg-config", "pkg_add", "pkgutil", "pkttyagent", "pl2pm", "platex", "playonlinux", "playwright", "plink", "pluma",
    "plzip", "pmake", "pmount", "pnpm", "pod2html", "podman", "podman-compose", "podman-remote", "poetry", "pon",
    "port", "portablectl", "posh", "postalias", "postconf", "postdrop", "postgres", "postsuper", "povray", "poweroff",
    "powershell", "powertop", "ppcx64", "pppd", "pr", "pre-commit", "prelink", "prename", "presto", "primusrun",
    "print", "prlimit", "procmail", "prolog", "proot", "protoc", "prove", "proxychains", "proxychains4", "pry",
    "ps2pdf", "ps2ps", "pscp", "psed", "pseudo", "psftp", "psh", "pspg", "psql", "pssh", "ptar", "ptpython", "ptrace",
    "ptx", "pulumi", "puma", "pumount", "puppet", "puppeteer", "puppetserver", "putty", "puttygen", "pv", "pwconv",
    "pwncat", "pwncat-cs", "pwndbg", "pwsh", "pwunconv", "py3compile", "pyacc", "pydoc", "pyflakes3", "pygmentize",
    "pypy", "pyspark", "pytest", "python", "pyvenv", "qdbus", "qemu", "qemu-ga", "qemu-img", "qemu-io", "qemu-nbd",
    "qjs", "qpdf", "quickjs", "quilt", "r2", "rabbitmq-diagnostics", "rabbitmq-eval", "rabbitmqadmin", "rabbitmqctl",
    "racadm", "racket", "raco", "radare2", "rage", "ragel", "rails", "rake", "raku", "rakudo", "ranger", "ranlib",
    "rar", "rasdaemon", "rasterisk", "rbash", "rbenv", "rc", "rc-service", "rclone", "rcp", "rcs", "rcsdiff", "rdate",
    "rdfind", "rdiff-backup", "rdmd", "rdmsr", "re2c", "readelf", "readprofile", "readtags", "realm", "rebar3", "rebol",
    "reboot", "recode", "red", "redcarpet", "rediff", "redis", "redis-cli", "redis-server", "redo", "refer", "regina",
    "remake", "remove-shell", "remsh", "rename", "renice", "repo", "reportbug", "reptyr", "reset", "resolvectl",
    "restic", "restore", "restorecon", "rev", "rexec", "rexx", "rfkill", "rhino", "ri", "rifle", "rizin", "rjoe",
    "rkhunter", "rksh", "rlfe", "rlinetd", "rlog", "rlogin", "rlwrap", "rm", "rmdir", "rmmod", "rmt", "rmt-tar",
    "rnano", "rndc-confgen", "rofi", "ros", "rotatelogs", "route", "rpcbind", "rpcclient", "rpcgen", "rpm",
    "rpm-ostree", "rpm2cpio", "rpmbuild", "rpmdb", "rpmkeys", "rpmlint", "rpmquery", "rpmverify", "rr", "rsh",
    "rsh-redone-rsh", "rsnapshot", "rssh", "rst2html", "rsync", "rsyslogd", "rtags", "rtcwake", "rtorrent", "ruby",
    "run-clang-tidy", "run-mailcap", "run-one", "run-parts", "run-this-one", "run-with-aspell", "run-with-locale",
    "run0", "runc", "runcon", "runghc", "runhaskell", "runit", "runlevel", "runsc", "runscript", "runsv", "runsvdir",
    "runuser", "rush", "rustc", "rustdoc", "rustscan", "rustup", "rview", "rvim", "rxvt", "rzip", "rzsh", "s-nail",
    "s2p", "s3cmd", "s6-envdir", "s6-setuidgid", "s6-sudo", "s6-supervise", "s6-svc", "s6-svscan", "sage", "salt",
    "salt-call", "salt-ssh", "samba-tool", "samu", "sash", "savelog", "saxon", "saxonb-xslt", "sbcl", "sbd", "sbt",
    "sbuild", "scala", "scalac", "scalar", "scalpel", "scan-build", "scan-build-py", "scan-view", "scanmem", "sccache",
    "sccs", "schedtool", "scheme", "schroot", "scilab", "scons", "scp", "scponly", "screen", "screenfetch", "script",
    "scriptlive", "scriptreplay", "scrot", "scsh", "sdiff", "sed", "see", "select-editor", "sem", "semanage",
    "semodule", "sendmail", "sendxmpp", "sensible-browser", "sensible-editor", "sensible-pager", "service", "sesearch",
    "setarch", "setcap", "setenforce", "setfacl", "setfattr", "setfiles", "setfont", "setkeycodes", "setlock", "setpci",
    "setpriv", "setsebool", "setsid", "setterm", "setuid", "setuidgid", "sfdisk", "sftp", "sftp-server", "sg", "sgdisk",
    "sh", "shed", "shellinabox", "shellinaboxd", "shred", "shtool", "shuf", "shutdown", "sicstus", "siege",
    "singularity", "sk", "skaffold", "skim", "skopeo", "slabtop", "slackpkg", "slapadd", "slapcat", "slattach", "sln",
    "slogin", "slsh", "smartd", "smbclient", "smbcontrol", "smbget", "smbmap", "smbpasswd", "smrsh", "snap", "snapd",
    "snmpd", "snmpset", "snmptrapd", "snobol4", "snzip", "socat", "socat1", "socket", "soelim", "soffice", "softlimit",
    "sops", "sort", "sos", "sosreport", "sotruss", "sox", "soxi", "spack", "spark-shell", "spark-submit", "spatialite",
    "sphinx-build", "spice-vdagent", "splain", "split", "sponge", "sprof", "sqlcmd", "sqldiff", "sqlite", "sqlite3",
    "sqlmap", "sqlplus", "squashfuse", "squeak", "srm", "ssed", "ssh", "ssh-add", "ssh-agent", "ssh-argv0",
    "ssh-copy-id", "ssh-import-id", "ssh-keygen", "ssh-keyscan", "ssh-keysign", "ssh-pkcs11-helper", "ssh-sk-helper",
    "sshfs", "sshfs-fuse", "sshpass", "sshuttle", "ssmtp", "sssctl", "stack", "stap", "stapio", "staprun", "star",
    "start-stop-daemon", "startx", "stdbuf", "steam", "stonith_admin", "stow", "strace", "streamzip", "stress",
    "stress-ng", "strings", "strip", "strongswan", "stunnel", "stunnel4", "su", "su-exec", "su-rs", "sudo", "sudo-rs",
    "sudo_logsrvd", "sudoedit", "sudoreplay", "sulogin", "super", "supervise", "supervisord", "supportconfig", "sush",
    "sux", "sv", "svn", "svnadmin", "svnlook", "svnserve", "svrun", "swaks", "swanctl", "swatch", "swatchdog",
    "swaymsg", "swift", "swiftc", "swig", "swipl", "switch_root", "swupd", "sxhkd", "symlinks", "synaptic", "syncthing",
    "sysbench", "sysctl", "sysdig", "syslog-ng", "systemctl", "systemd", "systemd-ask-password", "systemd-cat",
    "systemd-creds", "systemd-cryptsetup", "systemd-dissect", "systemd-executor", "systemd-firstboot", "systemd-id128",
    "systemd-inhibit", "systemd-machine-id-setup", "systemd-mount", "systemd-notify", "systemd-nspawn",
    "systemd-repart", "systemd-resolve", "systemd-socket-activate", "systemd-stdio-bridge", "systemd-sysext",
    "systemd-sysusers", "systemd-tty-ask-password-agent", "systemd-umount", "systemd-vmspawn", "systemtap", "tac",
    "talk", "tapeinfo", "tar", "tarcat", "targetcli", "tarsnap", "task", "taskd", "tasksel", "taskset", "tasksh", "tbl",
    "tc", "tcc", "tclkit", "tcllib", "tclsh", "tcpdump", "tcpflow", "tcpserver", "tcsh", "tctl", "td-agent", "tdbtool",
    "tdnf", "tectonic", "tee", "telegraf", "telinit", "telnet", "tempfile", "terminator", "termshark", "terraform",
    "terragrunt", "tesseract", "testdisk", "tex", "texdoc", "texindex", "texlua", "text2pcap", "tftp", "tgtadm",
    "thttpd", "tic", "tig", "tilde", "time", "timedatectl", "timelimit", "timeout", "tinc", "tincd", "tini", "tip",
    "tlmgr", "tmate", "tmpreaper", "tmpwatch", "tmux", "tnftp", "todos", "toe", "tofu", "tomlq", "toolbox", "top",
    "torify", "torsocks", "tox", "toybox", "tput", "tr", "trace-cmd", "transmission-cli", "trino", "tripwire", "troff",
    "truffleruby", "ts", "ts-node", "tset", "tsh", "tshark", "tsocks", "tsp", "tsql", "tsx", "ttyd", "tup", "twine",
    "ubuntu-bug", "ucarp", "ucf", "ucfr", "uclampset", "udevadm", "udhcpc", "udiskie", "udisksctl", "udocker",
    "uftrace", "ufw", "ul", "umask", "umockdev-run", "umount", "unace", "uname26", "unar", "unattended-upgrade",
    "unattended-upgrades", "unbound-host", "unbuffer", "uncompress", "uncrustify", "unexpand", "unicon", "unicorn",
    "unionfs", "uniq", "unison", "unix2dos", "unix_chkpwd", "unix_update", "unlz4", "unlzma", "unoconv", "unpigz",
    "unrar", "unshare", "unsquashfs", "unxz", "unzip", "unzipsfx", "unzstd", "update-alternatives", "update-binfmts",
    "update-grub", "update-initramfs", "update-passwd", "update-rc.d", "update-shells", "uplatex", "upsmon", "upssched",
    "urn", "urpmi", "urxvt", "useradd", "userdbctl", "userdel", "usermod", "usewithtor", "usql", "utop", "uucp",
    "uudecode", "uuencode", "uux", "uuxqt", "uv", "uvicorn", "uvx", "uwsgi", "uxterm", "vagrant", "valgrind",
    "valkey-cli", "valkey-server", "varlinkctl", "varnishadm", "varnishd", "varnishlog", "varnishncsa", "varnishtest",
    "vault", "vbindiff", "vboxmanage", "vconfig", "vcpkg", "vcsh", "vector", "venv", "veritysetup", "vgdb", "vi",
    "vidir", "view", "vifm", "vigr", "vile", "vim", "vimdiff", "vimtutor", "vipe", "vipw", "virsh", "virt-customize",
    "virt-edit", "virt-install", "virtualenv", "vis", "visudo", "visudo-rs", "vlang", "vlc", "vlock", "vmrun",
    "vmtoolsd", "vmware-toolbox-cmd", "volatility", "vpddecode", "vpnc", "w3m", "w3mman", "waagent", "waf", "wajig",
    "walinuxagent", "wall", "wasm3", "wasmedge", "wasmer", "wasmtime", "watch", "watchexec", "wazuh", "webfsd", "wetty",
    "wg", "wg-quick", "wget", "wget2", "whatis", "whiptail", "whois", "wiggle", "windres", "wine", "wine-stable",
    "wine64", "wineserver", "winexe", "wipe", "wipefs", "wireshark", "wish", "with-lock-ex", "wkhtmltoimage",
    "wkhtmltopdf", "wodim", "wpa_cli", "wpa_supplicant", "write", "wrmsr", "wvdial", "www-browser",
    "x-terminal-emulator", "x-www-browser", "x86_64", "xalan", "xargs", "xauth", "xbindkeys", "xbps-install", "xclip",
    "xdg-open", "xdg-user-dir", "xdotool", "xelatex", "xemacs", "xetex", "xfce4-terminal", "xfs_db", "xfs_io", "xh",
    "xinetd", "xinit", "xl", "xm", "xmlcatalog", "xmllint", "xmodmap", "xmore", "xonsh", "xorriso", "xpad", "xq",
    "xq-python", "xsel", "xsltproc", "xsubpp", "xtables-legacy-multi", "xtables-multi", "xtables-nft-multi", "xterm",
    "xulrunner", "xvfb", "xxd", "xz", "xzless", "xzmore", "yacc", "yad", "yap", "yarn", "yash", "yasm", "yay", "yelp",
    "youki", "youtube-dl", "ypcat", "yppasswd", "yq", "ysh", "yt-dlp", "yum", "zathura", "zenity", "zenmap", "zic",
    "zig", "zile", "zip", "zipcloak", "zipinfo", "zipnote", "zipsplit", "zkCli.sh", "zless", "zmore", "zoo", "zopfli",
    "zorba", "zramctl", "zrun", "zsh", "zshdb", "zsoelim", "zstd", "zstdless", "zsync", "zsyncmake", "zypper",
};

// Programs that are of use with the arguments that policy spells out, and give away too much with any others: they
// read, write or load what an argument names. No pattern among their arguments.
constexpr std::array<std::string_view, 91> fixed_argument_programs{
    "arp", "b2sum", "btrfs", "caddy", "cat", "chronyd", "cksum", "clusterdb", "cmp", "conntrack", "date", "df", "diff",
    "dig", "dmesg", "dnsmasq", "du", "echo", "egrep", "ethtool", "exportfs", "fallocate", "fgrep", "file", "grep",
    "haproxy", "head", "host", "hostname", "ipset", "ipvsadm", "lighttpd", "logrotate", "ls", "lsof", "lvcreate", "lvm",
    "lvremove", "mariadb-admin", "mariadb-dump", "md5sum", "mkdir", "multipath", "multipathd", "mysqladmin",
    "mysqldump", "named", "named-checkconf", "named-checkzone", "nginx", "nodetool", "nslookup", "pg_dump", "php-fpm",
    "postfix", "postmap", "printf", "ps", "pvcreate", "reindexdb", "resize2fs", "rndc", "sha1sum", "sha256sum",
    "sha512sum", "smartctl", "ss", "sshd", "stat", "supervisorctl", "swapoff", "swapon", "sync", "systemd-analyze",
    "systemd-tmpfiles", "tail", "touch", "truncate", "tune2fs", "unlink", "vacuumdb", "vgcreate", "vgremove", "wc",
    "wdctl", "zcat", "zegrep", "zfgrep", "zfs", "zgrep", "zpool",
};
// What begins so is one of them, whatever follows.
constexpr std::string_view interpreter_prefixes[] = {
    "python", "pypy", "ipython", "busybox", "ld-linux", "ld-musl", "ld-2", "qemu-", "perl5", "systemd-run", "vim.",
    "emacs-", "llvm-", "clang-", "dpkg-", "dh_", "xdg-", "gnat", "gp-", "gprof", "fakeroot", "faked", "lxc-", "debconf",
    "mkfs.", "mount.", "umount.", "pinentry", "apt-", "sudo",
};

// Endings that distributions give to another build of the same program.
constexpr std::string_view variants[] = {
    "-static", "-restricted", "-nox", "-gtk", "-gtk3", "-lucid", "-tiny", "-legacy", "-nft", "-dbg", "-real",
    "-unwrapped", "-wrapped", "-multiarch", "-bin", "-minimal", "-full", "-client", "-traditional", "-openbsd",
    "-config",
};

constexpr std::string_view script_endings[] = {
    ".sh", ".bash", ".py", ".pl", ".rb", ".js", ".php", ".lua", ".tcl", ".awk",
};

// Others may write there.
constexpr std::string_view open_folders[] = {
    "/tmp", "/var/tmp", "/dev", "/proc", "/sys", "/home", "/run/user", "/run/shm", "/var/crash", "/run/lock",
    "/var/lock", "/media", "/mnt",
};

// Whoever writes there rules the host, or Reeve.
constexpr std::string_view ruling_folders[] = {
    "/bin", "/boot", "/efi", "/etc/NetworkManager", "/etc/alternatives", "/etc/anacrontab", "/etc/apt", "/etc/at.allow",
    "/etc/bash.bashrc", "/etc/binfmt.d", "/etc/cron.d", "/etc/cron.daily", "/etc/cron.hourly", "/etc/cron.monthly",
    "/etc/cron.weekly", "/etc/crontab", "/etc/crypttab", "/etc/dbus-1", "/etc/default", "/etc/dhcp", "/etc/doas.conf",
    "/etc/dpkg", "/etc/environment", "/etc/fstab", "/etc/group", "/etc/grub.d", "/etc/gshadow", "/etc/inetd.conf",
    "/etc/init", "/etc/init.d", "/etc/initramfs-tools", "/etc/inittab", "/etc/kernel", "/etc/krb5.keytab",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/modprobe.d", "/etc/modules",
    "/etc/modules-load.d", "/etc/network", "/etc/networkd-dispatcher", "/etc/nsswitch.conf", "/etc/pam.conf",
    "/etc/pam.d", "/etc/passwd", "/etc/polkit-1", "/etc/ppp", "/etc/profile", "/etc/profile.d", "/etc/rc.local",
    "/etc/rcS.d", "/etc/reeve", "/etc/security", "/etc/shadow", "/etc/shells", "/etc/skel", "/etc/ssh",
    "/etc/ssl/private", "/etc/subgid", "/etc/subuid", "/etc/sudoers", "/etc/sudoers.d", "/etc/sysconfig",
    "/etc/sysctl.conf", "/etc/sysctl.d", "/etc/systemd", "/etc/sysusers.d", "/etc/tmpfiles.d", "/etc/udev",
    "/etc/update-motd.d", "/etc/xinetd.d", "/etc/zsh", "/lib", "/lib32", "/lib64", "/root", "/run/reeve-runner",
    "/run/systemd", "/sbin", "/usr", "/var/lib/dpkg", "/var/lib/reeve", "/var/lib/reeve-runner",
    "/var/run/reeve-runner", "/var/spool/cron",
};

constexpr std::string_view wide_folders[] = {
    "/", "/etc", "/var", "/var/lib", "/var/spool", "/var/cache", "/run", "/var/run", "/srv", "/opt",
};

constexpr std::string_view program_folders[] = {
    "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin",
};

// As a word of an argument.
constexpr std::string_view shells[] = {
    "sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "tcsh", "busybox",
};

// Options that are known to take a program, a script or code; alone or with "=".
constexpr std::string_view running_options[] = {
    "--askpass", "--checkpoint-action", "--checkpoint-exec", "--cmd", "--command", "--compress-prog",
    "--compress-program", "--deploy-hook", "--dynamic-linker", "--editor", "--eval", "--exec", "--exec-batch",
    "--execdir", "--execute", "--filter-command", "--hook", "--info-script", "--init-command", "--init-file",
    "--interpreter", "--load-extension", "--manual-auth-hook", "--manual-cleanup-hook", "--new-volume-script",
    "--on-change", "--pager", "--password-command", "--plugin-dir", "--post-command", "--post-hook", "--post-rotate",
    "--postrotate", "--pre-command", "--pre-hook", "--preload", "--prompt-command", "--rcfile", "--receive-pack",
    "--rmt-command", "--rsh", "--rsh-command", "--rsync-path", "--run", "--run-command", "--script",
    "--script-security", "--shell", "--spawn", "--starter", "--startup-script", "--to-command", "--unpack-command",
    "--upload-pack", "--use-askpass", "--use-compress-program", "--wrapper", "-exec", "-execdir", "-ok", "-okdir",
};

// In lower case.
constexpr std::string_view running_texts[] = {
    "-oproxycommand", "proxycommand", "-olocalcommand", "localcommand", "-opermitlocalcommand", "permitlocalcommand",
    "-oknownhostscommand", "knownhostscommand", "-opkcs11provider", "exec:", "system:", "shell:", "ext::", "!", ":!",
    "|",
};

// What stands behind one of these is a file that the program reads, loads or writes.
constexpr std::string_view choosing_options[] = {
    "-c", "-f", "-C", "-F", "-o", "-l", "-e", "-r", "--config", "--config-file", "--conf", "--configuration", "--file",
    "--include", "--load", "--module", "--plugin", "--require", "--output", "--log-file", "--defaults-file",
    "--defaults-extra-file", "--extra", "--library", "--format-file", "--template",
};

constexpr std::string_view unit_endings[] = {
    ".service", ".socket", ".timer",
};

constexpr std::string_view refused_units[] = {
    "reeve-runner", "reeve-agent", "debug-shell", "rescue", "emergency", "console-shell", "initrd-", "systemd-reboot",
    "systemd-poweroff", "systemd-halt", "systemd-kexec", "systemd-suspend", "systemd-hibernate", "systemd-soft-reboot",
};

constexpr std::string_view refused_variable_families[] = {
    "ANSIBLE_", "APT_", "ASAN_", "AWK", "AWS_", "BASH", "BUNDLE_", "CARGO_", "CCACHE", "CLANG_", "CMAKE_", "CORECLR_",
    "COR_", "CURL_", "CXX", "DBUS_", "DEBCONF", "DEBIAN_", "DEB_", "DOCKER_", "DOTNET_", "DPKG", "DYLD_", "ELIXIR_",
    "EMACS", "ERL_", "FPATH", "GCC_", "GCONV_", "GEM_", "GIO_", "GIT_", "GLIBC_", "GNUPG", "GNUTLS_", "GOCACHE",
    "GODEBUG", "GOFLAGS", "GOPATH", "GOPROXY", "GOROOT", "GTK_", "GUILE_", "GZIP", "HIST", "HOSTALIASES", "JAVA",
    "JDK_", "JVM_", "KRB5", "KSH", "KUBE", "LDAP", "LD_", "LESS", "LIBC", "LLVM_", "LOCALDOMAIN", "LSAN_", "LUA",
    "MAGICK_", "MAKE", "MALLOC_", "MANOPT", "MANPAGER", "MANPATH", "MARIADB_", "MONO_", "MSAN_", "MYSQL_", "NODE_",
    "NPM_", "NSS_", "OPENSSL_", "PAM_", "PERL", "PG", "PHP", "PKG_", "PROMPT", "PS4", "PYTHON", "QT_", "REDISCLI",
    "RESOLV", "RES_", "RSYNC_", "RUBY", "RUSTC", "RUSTFLAGS", "R_", "SASL_", "SSH_", "SSL", "SUDO_", "SYSTEMD_", "TAR_",
    "TCL", "TERMCAP", "TERMINFO", "TSAN_", "UBSAN_", "UNZIP", "VIM", "WGET", "XDG_", "XZ_", "ZIP", "ZSH", "ZSTD_",
    "_JAVA",
};

constexpr std::string_view refused_variables[] = {
    "ALL_PROXY", "BROWSER", "CC", "CDPATH", "CLASSPATH", "COMSPEC", "CONFIG_SHELL", "DESTDIR", "DISPLAY", "EDITOR",
    "ENV", "EXINIT", "FCEDIT", "FTP_PROXY", "GETCONF_DIR", "GIMP2_DIRECTORY", "GREP_OPTIONS", "HTTPS_PROXY",
    "HTTP_PROXY", "IFS", "INPUTRC", "LISTEN_FDS", "LOCPATH", "LOGNAME", "MAIL", "MAILCAPS", "MAILRC", "NETRC",
    "NLSPATH", "NOTIFY_SOCKET", "ODBCINI", "OLDPWD", "PAGER", "PATH", "POSIXLY_CORRECT", "PWD", "SELECTED_EDITOR",
    "SHELL", "SHELLOPTS", "TEMP", "TEMPDIR", "TMP", "TMPDIR", "TZDIR", "USER", "VISUAL", "XAUTHORITY", "ZDOTDIR", "_",
    "all_proxy", "ftp_proxy", "http_proxy", "https_proxy",
};

// clang-format on

}  // namespace reeve::runner
