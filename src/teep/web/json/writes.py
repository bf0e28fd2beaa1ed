"""What programs may do: the same verbs as the pages' buttons, with the same checks and the same record."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from teep.api.jobs.selection import words
from teep.errors import RedisError, TeepError
from teep.web import actions, bulks
from teep.web.actions import Action, must_may
from teep.web.bulks import Bulk, Bulks
from teep.web.json.answers import Refused, answer, field, read
from teep.web.json.reads import action_of
from teep.web.pages import push as pushing
from teep.web.pages.jobsets import MOST_KEYS, JobSetPage
from teep.web.rendering import visit_of


async def act(of: JobSetPage, request: Request) -> Response:
    """One verb for the jobs of some keys."""
    body, chosen = await _asked(of, request)
    keys = field(body, "keys", list, [])
    if not all(isinstance(key, str) for key in keys) or len(keys) > MOST_KEYS:
        raise Refused(400, f"keys must be up to {MOST_KEYS} strings")
    done = await of.take(request, chosen, keys)
    return answer({"done": done, "gone": len(keys) - done})


async def act_on_one(of: JobSetPage, request: Request) -> Response:
    """One verb for one job."""
    _, chosen = await _asked(of, request)
    if not await of.take(request, chosen, [request.path_params["key"]]):
        raise Refused(404, "this job is no longer here, or no queue can take it")
    return answer({"done": 1, "gone": 0})


async def act_on_all(of: JobSetPage, request: Request) -> Response:
    """One verb for all that match, if `confirm` says how many; without it they are only counted."""
    body, chosen = await _asked(of, request)
    visit = visit_of(request)
    parsed = words.parse(field(body, "q", str, ""), arguments=visit.access.sees_arguments)
    if parsed.problems:
        raise Refused(400, "; ".join(parsed.problems))
    confirm = field(body, "confirm", int)
    jobset = of.jobset(visit.config)
    selection = jobset.where(**parsed.conditions)
    matching = await jobset.size() if parsed.is_any else await selection.count()
    if confirm is None:
        actions.recorded(request, chosen.name, of.name, count=matching, filter=parsed.text, dry_run=True)
        return answer({"matching": matching, "done": None, "action": None})
    if confirm != matching:
        raise Refused(409, f"{matching} jobs match now, not {confirm}; nothing was done", matching=matching)
    done = await of.carry_out(request, chosen, selection, matching, parsed.text)
    if isinstance(done, Bulk):
        return answer({"matching": matching, "done": None, "action": action_of(done)}, 202)
    return answer({"matching": matching, "done": done, "action": None})


async def push(request: Request) -> Response:
    """Push a job."""
    body = await read(request)
    must_may(visit_of(request), "push")
    args = field(body, "args", list, [])
    delay = field(body, "in", str, "")
    try:
        jid, queue = await pushing.push(
            request, field(body, "class", str, ""), args, field(body, "queue", str, ""), delay
        )
    except RedisError:
        raise
    except TeepError as error:
        raise Refused(400, str(error)) from error
    return answer({"jid": jid, "queue": queue})


async def cancel(request: Request) -> Response:
    """Stop an action on many jobs."""
    found = await Bulks.of(visit_of(request).site).find(request.path_params["id"])
    if found is None:
        raise HTTPException(404)
    await bulks.cancel(request, found)
    return answer(action_of(found))


async def _asked(of: JobSetPage, request: Request) -> tuple[dict[str, Any], Action]:
    """Return the body and its action, which the visitor may do."""
    body = await read(request)
    name = field(body, "action", str, "")
    chosen = next((action for action in of.actions if action.name == name), None)
    if chosen is None:
        raise Refused(400, f"action must be {' or '.join(action.name for action in of.actions)}, not {name!r}")
    must_may(visit_of(request), chosen.needs)
    return body, chosen
