"""The program: the screen over the shell, and what the keys do."""

from textual import events

from teep.api import async_find_job
from teep.config import Config
from teep.errors import InvalidValue, TeepError
from teep.top import jumps
from teep.top.acting import Acting
from teep.top.dialogs.ask import Ask
from teep.top.dialogs.dialog import Dialog, name_of
from teep.top.dialogs.menu import Menu
from teep.top.dialogs.pager import Pager
from teep.top.keys import BY_KEY, help_rows
from teep.top.lists.rows import Line
from teep.top.lists.text import plain
from teep.top.lists.views import Goto, View
from teep.top.main import LAYOUT, Main
from teep.top.shell import Shell
from teep.top.tabs.jobs.job import detail_of, raw_lines
from teep.top.tabs.queues import QueueJobs
from teep.top.tabs.tab import facts
from teep.top.widgets.painted import Painted
from teep.top.widgets.table import Table

_INTERVALS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Top(Shell):
    """teep top."""

    CSS = LAYOUT

    def __init__(self, config: Config, *, read_only: bool = False, interval: float = 2.0) -> None:
        self._main = Main()
        super().__init__(config, self._main, read_only=read_only, interval=interval)
        self._acting = Acting(self)

    def get_default_screen(self) -> Main:
        return self._main

    async def on_event(self, event: events.Event) -> None:
        """Take keys as they come. Had they gone to a widget first, those typed fast would find a dialog too late."""
        if not isinstance(event, events.Key) or event.key == "ctrl+c":
            await super().on_event(event)
        elif isinstance(self.screen, Dialog):
            if not self.screen.take(event):
                await super().on_event(event)
        else:
            key = name_of(event)
            self.press("space" if key == " " else key)

    async def on_ask_ready(self, message: Ask.Ready) -> None:
        for event in message.ask.let_through():
            await super().on_event(event)

    def on_painted_pressed(self, event: Painted.Pressed) -> None:
        kind, _, name = event.does.partition(":")
        if self.is_asking:
            return  # a dialog has opened since the click
        if kind == "tab":
            self.go(name)
        else:
            self.press(name)

    def on_table_picked(self, event: Table.Picked) -> None:
        if self.is_asking or not self.view.pick(event.key):
            return  # another list, or a dialog, has come since the click
        if event.is_double:
            self.do_open()
        self._moved()

    def press(self, key: str) -> None:
        """Do what a key does here."""
        self.told = ""
        verb = next((verb for verb in self.verbs if verb.key == key), None)
        if verb is not None:
            self._acting.begin(verb)
        elif (known := BY_KEY.get(key)) is not None and not (self.read_only and known.is_of == "verbs"):
            getattr(self, f"do_{known.does}")()
        self.repaint()

    def go(self, name: str, text: str = "", queue: str = "") -> None:
        """Go to a tab: as it was left, or with a filter, or to a queue's jobs."""
        problems = View(self.tabs[name], text).filter.problems
        if problems:
            self.tell(problems[0])
            return
        self._tab = name
        if name not in self.shown:
            self.shown = [each for each in self.tabs if each in self.shown or each == name]
        if text:
            self._stacks[name] = [View(self.tabs[name], text)]
        if queue:
            self._stacks[name] = [self.stack(name)[0], View(QueueJobs(self._config, queue))]
        self._changed()

    def _changed(self) -> None:
        """Show what is known of another list, and read it."""
        self.pane = []
        self.repaint()
        self.refresh_soon()

    def _moved(self) -> None:
        self.repaint()
        self.look()

    def do_next_tab(self) -> None:
        self._turn_tab(1)

    def do_previous_tab(self) -> None:
        self._turn_tab(-1)

    def _turn_tab(self, by: int) -> None:
        self.go(self.shown[(self.shown.index(self._tab) + by) % len(self.shown)])

    def do_down(self) -> None:
        self._move(1)

    def do_up(self) -> None:
        self._move(-1)

    def do_screen_down(self) -> None:
        self._move(self.view.height)

    def do_screen_up(self) -> None:
        self._move(-self.view.height)

    def do_first_row(self) -> None:
        self._move(-len(self.view.rows))

    def do_last_row(self) -> None:
        self._move(len(self.view.rows))

    def _move(self, by: int) -> None:
        self.view.move(by)
        self._moved()

    def do_next_page(self) -> None:
        self._turn_page(forward=True)

    def do_previous_page(self) -> None:
        self._turn_page(forward=False)

    def _turn_page(self, *, forward: bool) -> None:
        if self.view.turn(forward=forward):
            self._changed()
        elif self.view.listing is not None:
            self.tell("this is the last page" if forward else "this is the first page")

    def do_select(self) -> None:
        self.view.tick()
        self._moved()

    def do_select_all(self) -> None:
        self.view.tick_all()

    def do_match_all(self) -> None:
        self._acting.count()

    def do_view(self) -> None:
        if len(self.view.tab.modes) > 1:
            self.view.next_mode()
            self._changed()

    def do_faster(self) -> None:
        self.interval = max((each for each in _INTERVALS if each < self.interval), default=_INTERVALS[0])
        self.refresh_soon()

    def do_slower(self) -> None:
        self.interval = min((each for each in _INTERVALS if each > self.interval), default=_INTERVALS[-1])

    def do_back(self) -> None:
        view, stack = self.view, self.stack(self._tab)
        if self.doing is not None:
            self.doing.is_stopped = True
        elif view.chosen or view.all_of is not None:
            view.forget()
        elif view.filter.text:
            view.ask("")
            self._changed()
        elif len(stack) > 1:
            stack.pop()
            self._changed()

    def do_filter(self) -> None:
        view = self.view

        def answered(text: str | None) -> None:
            if text is None or self.view is not view:
                return
            if problems := view.ask(text):
                self.tell(problems[0])
            else:
                self._changed()

        words = view.tab.words(view)
        self.ask(Ask("/", view.filter.text, lambda text: jumps.completed_words(text, words)), answered)

    def do_jump(self) -> None:
        queues = [row.thing.name for name in ("dashboard", "queues") for row in self.stack(name)[0].whole or ()]
        words = self.view.tab.words(self.view)
        self.ask(Ask(":", "", lambda text: jumps.completed(text, self.tabs, queues, words)), self._jump)

    def _jump(self, text: str | None) -> None:
        if not text:
            return
        try:
            jump = jumps.parse(text, self.tabs)
        except InvalidValue as error:
            self.tell(str(error))
            return
        if jump.jid:
            self.run_worker(self._find(jump.jid), exit_on_error=True)
        else:
            self.go(jump.tab, jump.text, jump.queue)

    async def _find(self, jid: str) -> None:
        view = self.view
        self.tell(f"looking for {jid} …")
        try:
            found = await async_find_job(jid, config=self._config)
            lines = [] if found is None else detail_of(found.record, found.where)
        except TeepError as error:
            self.tell(str(error))
            return
        if found is None:
            self.tell(f"{jid} is nowhere: it is done, was deleted, or was never pushed")
        elif self._is_at(view):
            self.tell("")
            self._page(f"job {plain(jid)}", lines, ("jid", jid))
        else:
            self.tell(f"{jid} was found: {found.where}; jump again to see it")

    def _is_at(self, view: View) -> bool:
        """Whether one still looks at a view, with no dialog over it: only then an answer may open one."""
        return view is self.view and not self.is_asking

    def do_open(self) -> None:
        row = self.view.row
        if row is None:
            return
        leads_to = self.view.tab.enter(row, self.view)
        if isinstance(leads_to, Goto):
            self.go(leads_to.tab, leads_to.text)
        elif leads_to is not None:
            self._tab = leads_to.name
            self._stacks[self._tab] = [self.stack(self._tab)[0], View(leads_to)]
            self._changed()
        else:
            self.do_detail()

    def do_detail(self) -> None:
        if self.view.row is not None:
            self.run_worker(self._show_detail(), exit_on_error=True)

    async def _show_detail(self) -> None:
        view, row = self.view, self.view.row
        if row is None:
            return
        try:
            lines = await view.tab.detail(row, view)
        except TeepError as error:
            self.tell(str(error))
            return
        if self._is_at(view):
            self._page(view.tab.path, lines, view.tab.copied(row))

    def do_raw(self) -> None:
        row = self.view.row
        raw = None if row is None else self.view.tab.raw(row)
        if row is None or raw is None:
            self.tell("there is no payload here")
        else:
            self._page(f"{len(raw):,} bytes", raw_lines(raw), self.view.tab.copied(row))

    def _page(self, title: str, lines: list[Line], copied: tuple[str, str]) -> None:
        def answered(answer: str | None) -> None:
            if answer == "copy":
                self._copy(copied)

        self.ask(Pager(title, lines, copied[0]), answered)

    def do_copy(self) -> None:
        if (row := self.view.row) is not None:
            self._copy(self.view.tab.copied(row))

    def _copy(self, copied: tuple[str, str]) -> None:
        self.copy_to_clipboard(copied[1].encode(errors="replace").decode())
        self.tell(f"the {copied[0]} {copied[1]} is copied, if the terminal takes it")

    def do_menu(self) -> None:
        verbs = self.verbs
        looks = [BY_KEY[key] for key in ("enter", "space", "y", "c", "/", ":", "v")]
        items = [(verb.key, verb.name) for verb in verbs] + [(key.key, key.word) for key in looks]

        def answered(at: int | None) -> None:
            if at is None:
                return
            if at < len(verbs):
                self._acting.begin(verbs[at])
            else:
                self.press(looks[at - len(verbs)].key)

        row = self.view.row
        title = "  ".join(cell for cell in row.cells if cell) if row is not None else self.view.tab.path
        self.ask(Menu(title, items), answered)

    def do_help(self) -> None:
        lines = facts(help_rows(may_act=not self.read_only))
        self.ask(Pager("teep top", lines), lambda _: None)

    def do_quit(self) -> None:
        self.exit()
