# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of two nodes on this machine, its own munge with it, in a folder of its own.

Nothing of it is the machine's: configuration, key, sockets, ports, state. A node is killed with all
that runs on it, as by a power cut. When the process that started the cluster is gone, however it
ended, a guard ends the cluster."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

CONFIG = """\
ClusterName=szt
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,bf_interval=1
SlurmdParameters=config_overrides
SlurmdTimeout=3
MessageTimeout=3
TCPTimeout=1
KillWait=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""
MARK = "SZT_CLUSTER_NODE"
PR_SET_CHILD_SUBREAPER = 36


def why_not() -> str | None:
    """What is missing here, and who installs it."""
    for tool in ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel"):
        if not shutil.which(tool, path=search_path()):
            return f"no {tool}; 'scripts/setup.sh regress' installs it"
    if os.geteuid():
        return "slurmd needs root, and this is another user"
    return None


def search_path() -> str:
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def processes() -> dict[int, int]:
    """Parents by process."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state != "Z":
            parents[int(entry.name)] = int(parent)
    return parents


def below(roots: set[int]) -> set[int]:
    """The roots that are there, and all that they started."""
    parents = processes()
    found = roots & set(parents)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def marked(variable: str) -> set[int]:
    """Processes that began with this in their environment."""
    wanted, found = os.fsencode(variable), set()
    for pid in processes():
        try:
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
        except OSError:
            continue
    return found


def kill_all(find: object) -> None:
    """Stopped first, so that none starts another or reports the end of one."""
    for signal_ in (signal.SIGSTOP, signal.SIGKILL):
        seen: set[int] = set()
        until = time.monotonic() + 10
        while (now := find() if signal_ == signal.SIGSTOP or not seen else set()) - seen:
            for pid in now - seen:
                try:
                    os.kill(pid, signal_)
                except ProcessLookupError:
                    pass
            seen |= now
            if time.monotonic() > until:
                break


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: dict[str, subprocess.Popen] = {}
        self.before = set(processes())
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("SLURM", "SBATCH", "SQUEUE", "SCANCEL", "SZT_", "CTEST_"))}
        self.environment |= {"PATH": search_path(), "SLURM_CONF": str(folder / "slurm.conf")}
        # Not our child, so that it is there when all of those are killed with us.
        reading, self.guard = os.pipe()
        subprocess.run(["setsid", "--fork", sys.executable, "-B", __file__, str(folder)],
                       stdin=reading, check=True)
        os.close(reading)
        # What slurmd leaves behind (slurmstepd does not stay its child) becomes ours, not init's:
        # so that every process of the cluster is below this one.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def launch(self, name: str, command: list[str], mark: str = "") -> None:
        with (self.folder / f"{name}.out").open("w", encoding="utf-8") as out:
            self.daemons[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=self.environment | ({MARK: mark} if mark else {}), start_new_session=True)

    def start(self) -> None:
        munge = self.folder / "munge"
        munge.mkdir(mode=0o755)
        (self.folder / "state").mkdir()
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            host=socket.gethostname().partition(".")[0], folder=self.folder,
            ports=free_ports(3)), encoding="utf-8")
        # --force: below /tmp munged likes neither the folder's owner nor its permissions.
        self.launch("munged", ["munged", "--foreground", "--force", f"--key-file={munge}/key",
                               f"--socket={munge}/socket", f"--pid-file={munge}/pid",
                               f"--log-file={munge}/log", f"--seed-file={munge}/seed"])
        self.wait(lambda: (munge / "socket").exists(), "munged")
        self.launch("slurmctld", ["slurmctld", "-D"])
        for node in ("n1", "n2"):
            self.launch(node, ["slurmd", "-D", "-N", node], f"{self.folder}/{node}")
        self.wait(lambda: self.states() == {"n1": "idle", "n2": "idle"}, "two idle nodes")

    def wait(self, there: object, what: str, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while not there():
            if time.monotonic() > until:
                raise RuntimeError(f"no {what} within {seconds} s\n{self.logs()}")
            time.sleep(0.1)

    def states(self) -> dict[str, str]:
        said = subprocess.run(["sinfo", "--noheader", "-N", "--format=%N %T"], text=True,
                              capture_output=True, env=self.environment, check=False).stdout
        return dict(line.split() for line in said.splitlines())

    def logs(self) -> str:
        """The ends of all that the daemons said."""
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}"
                         for path in sorted([*self.folder.glob("*.out"),
                                             *self.folder.glob("*.log")]))

    def kill_node(self, node: str) -> None:
        # slurmstepd has slurmd's environment; the job below it has its own.
        kill_all(lambda: below(marked(f"{MARK}={self.folder}/{node}")))
        self.daemons[node].wait()

    def stop(self) -> None:
        for _ in range(3):
            kill_all(lambda: below({os.getpid()}) - {os.getpid()} - self.before)
        for daemon in self.daemons.values():
            daemon.wait()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # what became ours
        except ChildProcessError:
            pass
        os.close(self.guard)


def guard(folder: Path) -> None:
    """Until nobody can write to our input any more: the process that started the cluster ended."""
    sys.stdin.read()
    for _ in range(3):
        kill_all(lambda: marked(f"SLURM_CONF={folder}/slurm.conf"))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    guard(Path(sys.argv[1]))
