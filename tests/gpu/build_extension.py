"""Builds the C++ kernels into ``minitorch/``, if they can't be imported yet; without pip and without a network.

It needs cmake, a C++17 compiler, the headers of this Python, and the package nanobind.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .step import Step, parser

PROJECT = Path(__file__).parents[2]
IMPORT = """
import ast, pathlib, minitorch, minitorch._C as c
declared = ast.parse(pathlib.Path(minitorch.__file__).with_name("_C.pyi").read_text()).body
missing = [node.name for node in declared if hasattr(node, "name") and not hasattr(c, node.name)]
assert not missing, f"the kernels are older than the sources: {', '.join(missing)} is missing"
print(minitorch.ones(2).sum().item(), c.isa)
"""


def works() -> tuple[bool, str]:
    """Whether the kernels can be imported and compute, and which instruction set they use, or what is wrong."""
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=PROJECT, capture_output=True, text=True)
    said = (done.stdout or done.stderr or f"status {done.returncode}").strip().splitlines()[-1]
    return said.startswith("2.0 "), said.removeprefix("2.0 ")


def build(folder: Path) -> None:
    """Compiles, and copies the result to where Python looks for it.

    Raises:
        subprocess.CalledProcessError: cmake or the compiler failed; its output was printed.
        RuntimeError: nanobind isn't installed.
    """
    found = subprocess.run([sys.executable, "-m", "nanobind", "--cmake_dir"], capture_output=True, text=True)
    if found.returncode:
        raise RuntimeError(f"nanobind is needed: {found.stderr.strip()}")
    version = re.search(r'"(.*)"', (PROJECT / "minitorch" / "version.py").read_text())
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "SKBUILD_PROJECT_VERSION": version[1].split("+")[0] if version else "0",
        "Python_EXECUTABLE": sys.executable,
        "nanobind_DIR": found.stdout.strip(),
    }
    # cmake may be installed beside this Python, without its environment being active.
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    configure = ["cmake", "-S", str(PROJECT), "-B", str(folder), *[f"-D{k}={v}" for k, v in options.items()]]
    for command in (configure, ["cmake", "--build", str(folder), "--parallel", str(os.cpu_count() or 1)]):
        subprocess.run(command, env=environment, check=True)
    (built,) = folder.glob("_C*.so")
    shutil.copyfile(built, PROJECT / "minitorch" / built.name)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--folder", default="build/gpu/cmake", help="where it is compiled (default: %(default)s)")
    options = arguments.parse_args()
    step = Step("build", options.out)
    done, said = works()
    if not done:
        print(f"the kernels can't be used yet: {said}")
        try:
            build(PROJECT / options.folder)
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            step.check("C++ kernels", False, str(error))
            return step.status()
        done, said = works()
    step.check("C++ kernels", done, said)
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
