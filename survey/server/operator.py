"""The operator's page behind its token: how many ratings each set has, and who has done what. It never shows results.

Seeing which method is ahead while raters still come would tempt to stop at the right moment.
"""

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from survey.server.checks import attention_passed, flags, repeat_differences
from survey.server.guard import (
    SIGN_INS,
    address,
    check_form_token,
    form_of,
    form_token,
    hold,
    new_token,
    set_cookie,
)
from survey.server.limits import Limiter
from survey.server.pages import page
from survey.server.records import RaterRecord, saved_raters
from survey.study import Study

COOKIE = "operator"
VISIT = "operator-visit"
PATH = "/operator"


@dataclass(frozen=True)
class SetRow:
    """A set and how many have rated it; texts, ready to be shown."""

    set_id: str
    scene: str
    edit: str
    method: str
    ratings: int
    wanted: int


@dataclass(frozen=True)
class RaterRow:
    """A rater; texts, ready to be shown."""

    name: str
    place: int
    tasks: str
    state: str
    seen: datetime
    seconds: str
    attention: str
    repeats: str
    flags: str
    code: str


@dataclass(frozen=True)
class Operator:
    """The pages for the operator; they read the file on their own and never keep a rater's save waiting."""

    study: Study
    sign_ins: Limiter = field(default_factory=lambda: Limiter(SIGN_INS))

    async def show(self, request: Request) -> Response:
        """The page, or the form that asks for the token."""
        if self._known(request):
            return page("operator.html.j2", {"settings": self.study.settings, **await self._status()})
        visit = request.cookies.get(VISIT) or new_token()
        response = self._form(visit, "")
        set_cookie(request, response, VISIT, visit, strict=True, path=PATH)
        return response

    async def sign_in(self, request: Request) -> Response:
        """Take the token."""
        fields = await form_of(request)
        visit = request.cookies.get(VISIT, "")
        check_form_token(self.study.secrets.form_key, visit, fields.get("form_token", ""))
        hold(self.sign_ins, address(request))
        if not self._is_token(fields.get("token", "").strip()):
            return self._form(visit, "That is not the token of this study.")
        response = RedirectResponse(PATH, 303)
        set_cookie(request, response, COOKIE, self.study.secrets.operator_token, strict=True, path=PATH)
        return response

    async def status(self, request: Request) -> Response:
        """The tables alone, for the page that keeps itself fresh."""
        if not self._known(request):
            raise HTTPException(403, "Sign in first.")
        return page("_status.html.j2", await self._status())

    async def _status(self) -> dict[str, object]:
        raters = await run_in_threadpool(saved_raters, self.study)
        return {
            "sets": set_rows(self.study, raters),
            "raters": [rater_row(rater) for rater in reversed(raters)],
            "finished": sum(rater.finished for rater in raters),
            "places": len(self.study.plan.places),
        }

    def _form(self, visit: str, complaint: str) -> Response:
        proof = form_token(self.study.secrets.form_key, visit)
        values = {"settings": self.study.settings, "form_token": proof, "complaint": complaint}
        return page("sign_in.html.j2", values, 403 if complaint else 200)

    def _known(self, request: Request) -> bool:
        return self._is_token(request.cookies.get(COOKIE, ""))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.study.secrets.operator_token.encode())


def set_rows(study: Study, raters: Sequence[RaterRecord]) -> list[SetRow]:
    """The sets in the order of scenes, edits and methods, with their counts."""
    counts = Counter(task.shown.set_id for rater in raters for task in rater.handed_in if not task.repeat)
    rated = [item for item in study.plan.sets if item.kind == "rating"]
    return [
        SetRow(item.set_id, item.scene, item.edit, item.method, counts[item.set_id], study.plan.raters_per_set)
        for item in sorted(rated, key=lambda item: (item.scene, item.edit, study.plan.methods.index(item.method)))
    ]


def rater_row(rater: RaterRecord) -> RaterRow:
    """What is to be seen of a rater."""
    attention = attention_passed(rater.handed_in)
    seconds = [task.seconds for task in rater.handed_in]
    differences = repeat_differences(rater.handed_in)
    return RaterRow(
        name=rater.name,
        place=rater.place + 1,
        tasks=f"{len(rater.handed_in)} of {rater.tasks}",
        state="finished" if rater.finished else "under way",
        seen=rater.seen,
        seconds=f"{median(seconds):.0f}" if seconds else "–",
        attention={None: "–", True: "passed", False: "missed"}[attention],
        repeats=", ".join(map(str, differences)) or "–",
        flags=", ".join(flags(rater.handed_in)),
        code=rater.completion or "–",
    )
