"""Every family by its name."""

from __future__ import annotations

from trials.hostile import commands, doors, files, naver_answers, service_answers, texts
from trials.hostile.inputs import Family

FAMILIES: dict[str, Family] = {
    family.name: family
    for module in (texts, naver_answers, service_answers, files, doors, commands)
    for family in module.FAMILIES
}
