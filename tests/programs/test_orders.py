"""Happens before: each edge, and its twin without it."""

import concurrent.futures
import math
import queue
import socket
import threading
from contextlib import asynccontextmanager
from functools import partial

import trio
import trio.testing
from trio.lowlevel import checkpoint

EXPECT = {
    "test_abort_function_undoes_what_the_waiter_did": {"data-race": [], "section": [], "other": [], "origin": "own: an abort function comes after the task that was parked"},
    "test_canceller_is_not_after_the_waiter": {"data-race": ["count"], "section": [], "other": [], "origin": "own: only the abort function is", "filtered": {"count": "commuting"}},
    "test_abandoned_thread_left_alone": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_abandoned_thread_writes": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_all_clones_closed": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_barrier": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_blocked_then_going_on": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_broken_resource": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_buffered": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_buffered_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_cancel_called_seen": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_cancel_delivered": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_child_raises": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_clones": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_clones_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_close_is_seen": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_condition_notifies": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_deadline_moved_to_the_past": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_deadline_passes": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_event_seen_unset": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_event_twice_removed": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_executor": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_executor_map": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_executor_two_jobs": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_from_thread": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_from_thread_against_a_task": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_item_hands_over_an_object": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_list_method_as_a_threads_function": {"data-race": ["xs"], "section": [], "other": [], "origin": "own: review"},
    "test_local_data_of_threads": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_lockstep_stream": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_memory_stream": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_memory_stream_eof": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_memory_stream_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_nursery_in_a_context_manager": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_object_used_after_it_was_sent": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_other_event": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_parking_lot_unpark_all": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_pipe_of_the_system": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_queue": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_queue_task_done_and_join": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_queue_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_read_inside_a_nursery_of_a_context_manager": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_receive_frees_a_slot": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_receive_with_room_to_spare": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_rendezvous": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_rendezvous_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_reschedule_by_hand": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_rlock": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_run_sync_soon": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_same_worker_thread_orders_nothing": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_semaphore_as_a_signal": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_semaphore_with_a_unit_left": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_send_nowait": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_send_nowait_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_sequencer": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_sequencer_left": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_sibling_cancelled_by_an_error": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_simple_queue": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_socketpair": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_socketpair_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_start_and_started": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_started_by_a_sibling": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_started_too_early": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_tcp_connect": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_tcp_request_and_reply": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_tcp_write_after_the_reply": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_thread_against_another_task": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_thread_read_before_the_join": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_thread_start_and_join": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_threading_condition": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_threading_event": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_threading_event_write_after": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_threading_semaphore": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_to_thread": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_two_thread_locks": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_wait_all_tasks_blocked": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_worker_threads_are_reused": {"data-race": [], "section": [], "other": [], "origin": "own: review"},
    "test_would_block_orders_nothing": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_write_after_cancelling": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_write_after_run_sync_soon": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_write_after_starting_a_sibling": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_write_after_the_barrier": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
    "test_write_after_the_close": {"data-race": ["value"], "section": [], "other": [], "origin": "own: review"},
}


class Cell:
    def __init__(self):
        self.value = 0


async def pair(a, b):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        nursery.start_soon(b)


# channels


def relay(size, order, clone=False, nowait=False):
    """A sends after (or before) it writes; B receives and then reads."""

    async def run():
        cell = Cell()
        send, receive = trio.open_memory_channel(size)

        async def a():
            async with send.clone() if clone else send as s:
                if order == "before":
                    cell.value = 1
                if nowait:
                    await trio.testing.wait_all_tasks_blocked()
                    s.send_nowait("x")
                else:
                    await s.send("x")
                if order == "after":
                    await checkpoint()
                    cell.value = 1

        async def b():
            async with receive.clone() if clone else receive as r:
                await r.receive()
                assert cell.value in (0, 1)

        await pair(a, b)

    return run


async def test_rendezvous():
    await relay(0, "before")()


async def test_rendezvous_write_after():
    await relay(0, "after")()


async def test_buffered():
    await relay(3, "before")()


async def test_buffered_write_after():
    await relay(3, "after")()


async def test_clones():
    await relay(1, "before", clone=True)()


async def test_clones_write_after():
    await relay(1, "after", clone=True)()


async def test_send_nowait():
    await relay(1, "before", nowait=True)()


async def test_send_nowait_write_after():
    await relay(1, "after", nowait=True)()


async def test_receive_frees_a_slot():
    cell = Cell()
    send, receive = trio.open_memory_channel(1)
    await send.send(1)

    async def a():
        await checkpoint()
        cell.value = 1
        await receive.receive()

    async def b():
        await send.send(2)
        assert cell.value == 1

    await pair(a, b)


async def test_receive_with_room_to_spare():
    cell = Cell()
    send, receive = trio.open_memory_channel(2)
    await send.send(1)

    async def a():
        await checkpoint()
        cell.value = 1
        await receive.receive()

    async def b():
        await send.send(2)
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_close_is_seen():
    cell = Cell()
    send, receive = trio.open_memory_channel(0)

    async def a():
        await checkpoint()
        cell.value = 1
        send.close()

    async def b():
        async for _ in receive:
            pass
        assert cell.value == 1

    await pair(a, b)


async def test_write_after_the_close():
    cell = Cell()
    send, receive = trio.open_memory_channel(0)

    async def a():
        send.close()
        await checkpoint()
        cell.value = 1

    async def b():
        async for _ in receive:
            pass
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_all_clones_closed():
    cell = Cell()
    send, receive = trio.open_memory_channel(0)

    async def a(s, n):
        async with s:
            await checkpoint()
            if n == 0:
                cell.value = 1

    async def b():
        async for _ in receive:
            pass
        assert cell.value == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(b)
        async with send:
            nursery.start_soon(a, send.clone(), 0)
            nursery.start_soon(a, send.clone(), 1)


async def test_broken_resource():
    cell = Cell()
    send, receive = trio.open_memory_channel(0)

    async def a():
        await checkpoint()
        cell.value = 1
        receive.close()

    async def b():
        try:
            await send.send(1)
        except trio.BrokenResourceError:
            pass
        assert cell.value == 1

    await pair(a, b)


async def test_item_hands_over_an_object():
    send, receive = trio.open_memory_channel(1)

    async def a():
        cell = Cell()
        cell.value = 1
        await send.send(cell)

    async def b():
        cell = await receive.receive()
        cell.value += 1
        await checkpoint()
        assert cell.value == 2

    await pair(a, b)


async def test_object_used_after_it_was_sent():
    send, receive = trio.open_memory_channel(1)

    async def a():
        cell = Cell()
        await send.send(cell)
        await checkpoint()
        cell.value = 1

    async def b():
        cell = await receive.receive()
        await checkpoint()
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_would_block_orders_nothing():
    cell = Cell()
    send, receive = trio.open_memory_channel(0)

    async def a():
        cell.value = 1
        try:
            send.send_nowait(1)
        except trio.WouldBlock:
            pass

    async def b():
        await checkpoint()
        try:
            receive.receive_nowait()
        except trio.WouldBlock:
            pass
        assert cell.value in (0, 1)

    await pair(a, b)


# nurseries


async def test_start_and_started():
    cell = Cell()

    async def child(task_status):
        cell.value = 1
        await checkpoint()
        task_status.started(5)
        await checkpoint()

    async with trio.open_nursery() as nursery:
        assert await nursery.start(child) == 5
        cell.value = 2


async def test_started_too_early():
    cell = Cell()

    async def child(task_status):
        task_status.started()
        await checkpoint()
        cell.value = 1

    async with trio.open_nursery() as nursery:
        await nursery.start(child)
        cell.value = 2
    assert cell.value in (1, 2)


async def test_started_by_a_sibling():
    cell = Cell()

    async def second():
        assert cell.value == 1

    async with trio.open_nursery() as nursery:

        async def first():
            await checkpoint()
            cell.value = 1
            nursery.start_soon(second)

        nursery.start_soon(first)


async def test_write_after_starting_a_sibling():
    cell = Cell()

    async def second():
        assert cell.value in (0, 1)

    async with trio.open_nursery() as nursery:

        async def first():
            nursery.start_soon(second)
            await checkpoint()
            cell.value = 1

        nursery.start_soon(first)


async def test_child_raises():
    cell = Cell()

    async def child():
        cell.value = 1
        raise ValueError

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            await trio.sleep_forever()
    except* ValueError:
        pass
    assert cell.value == 1


async def test_sibling_cancelled_by_an_error():
    cell = Cell()

    async def child():
        await checkpoint()
        cell.value = 1
        raise ValueError

    async def sibling():
        try:
            await trio.sleep_forever()
        finally:
            assert cell.value == 1

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sibling)
            nursery.start_soon(child)
    except* ValueError:
        pass


async def test_nursery_in_a_context_manager():
    cell = Cell()

    @asynccontextmanager
    async def working():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            yield nursery

    async def work():
        await checkpoint()
        cell.value = 1

    async with working():
        pass
    assert cell.value == 1


async def test_read_inside_a_nursery_of_a_context_manager():
    cell = Cell()

    @asynccontextmanager
    async def working():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            yield nursery

    async def work():
        await checkpoint()
        cell.value = 1

    async with working():
        await checkpoint()
        assert cell.value in (0, 1)


# events and the like


async def test_event_twice_removed():
    cell = Cell()
    first, second = trio.Event(), trio.Event()

    async def a():
        cell.value = 1
        first.set()

    async def relay_task():
        await first.wait()
        second.set()

    async def b():
        await second.wait()
        assert cell.value == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(b)
        nursery.start_soon(relay_task)
        nursery.start_soon(a)


async def test_other_event():
    cell = Cell()
    first, second = trio.Event(), trio.Event()

    async def a():
        await checkpoint()
        cell.value = 1
        first.set()

    async def b():
        await second.wait()
        assert cell.value in (0, 1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(b)
        nursery.start_soon(a)
        second.set()


async def test_event_seen_unset():
    cell = Cell()
    event = trio.Event()

    async def a():
        await checkpoint()
        cell.value = 1
        event.set()

    async def b():
        if not event.is_set():
            await checkpoint()
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_semaphore_as_a_signal():
    cell = Cell()
    semaphore = trio.Semaphore(0)

    async def a():
        await checkpoint()
        cell.value = 1
        semaphore.release()

    async def b():
        await semaphore.acquire()
        assert cell.value == 1
        cell.value = 2

    await pair(a, b)


async def test_semaphore_with_a_unit_left():
    cell = Cell()
    semaphore = trio.Semaphore(1)

    async def a():
        await checkpoint()
        cell.value = 1
        semaphore.release()

    async def b():
        await semaphore.acquire()
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_condition_notifies():
    cell = Cell()
    condition = trio.Condition()
    flag = [False]

    async def a():
        cell.value = 1
        async with condition:
            flag[0] = True
            condition.notify()

    async def b():
        async with condition:
            while not flag[0]:
                await condition.wait()
        assert cell.value == 1

    await pair(a, b)


async def test_wait_all_tasks_blocked():
    cell = Cell()

    async def a():
        await checkpoint()
        cell.value = 1
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        await trio.testing.wait_all_tasks_blocked()
        assert cell.value == 1
        nursery.cancel_scope.cancel()


async def test_blocked_then_going_on():
    cell = Cell()
    event = trio.Event()

    async def a():
        await event.wait()
        cell.value = 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(a)
        await trio.testing.wait_all_tasks_blocked()
        event.set()
        await checkpoint()
        assert cell.value in (0, 1)


async def test_sequencer():
    cell = Cell()
    seq = trio.testing.Sequencer()

    async def a():
        async with seq(0):
            cell.value = 1

    async def b():
        async with seq(1):
            assert cell.value == 1

    await pair(b, a)


async def test_sequencer_left():
    cell = Cell()
    seq = trio.testing.Sequencer()

    async def a():
        async with seq(0):
            pass
        await checkpoint()
        cell.value = 1

    async def b():
        async with seq(1):
            assert cell.value in (0, 1)

    await pair(b, a)


async def test_cancel_delivered():
    cell = Cell()
    scope = trio.CancelScope()

    async def a():
        await trio.testing.wait_all_tasks_blocked()
        cell.value = 1
        scope.cancel()

    async def b():
        with scope:
            await trio.sleep_forever()
        assert cell.value == 1

    await pair(a, b)


async def test_write_after_cancelling():
    cell = Cell()
    scope = trio.CancelScope()

    async def a():
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
        await checkpoint()
        cell.value = 1

    async def b():
        with scope:
            await trio.sleep_forever()
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_cancel_called_seen():
    cell = Cell()
    scope = trio.CancelScope()

    async def a():
        await checkpoint()
        await checkpoint()
        cell.value = 1
        scope.cancel()

    async def b():
        while not scope.cancel_called:
            await checkpoint()
        assert cell.value == 1

    await pair(a, b)


async def test_deadline_moved_to_the_past():
    cell = Cell()
    scope = trio.CancelScope()

    async def a():
        await trio.testing.wait_all_tasks_blocked()
        cell.value = 1
        scope.deadline = -math.inf

    async def b():
        with scope:
            await trio.sleep_forever()
        assert cell.value == 1

    await pair(a, b)


async def test_deadline_passes(autojump_clock):
    cell = Cell()

    async def a():
        await trio.sleep(1)
        cell.value = 1

    async def b():
        with trio.move_on_after(2):
            await trio.sleep_forever()
        assert cell.value == 1

    await pair(a, b)


async def test_parking_lot_unpark_all():
    cell = Cell()
    lot = trio.lowlevel.ParkingLot()

    async def b():
        await lot.park()
        assert cell.value == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(b)
        nursery.start_soon(b)
        await trio.testing.wait_all_tasks_blocked()
        cell.value = 1
        lot.unpark_all()


async def test_reschedule_by_hand():
    cell = Cell()
    waiting = []

    async def b():
        waiting.append(trio.lowlevel.current_task())
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.SUCCEEDED)
        assert cell.value == 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(b)
        await trio.testing.wait_all_tasks_blocked()
        cell.value = 1
        trio.lowlevel.reschedule(waiting.pop())


# streams


def stream_pair(make, order):
    async def run():
        cell = Cell()
        left, right = make()

        async def a():
            if order == "before":
                cell.value = 1
            await left.send_all(b"x")
            if order == "after":
                await checkpoint()
                cell.value = 1

        async def b():
            assert await right.receive_some(1) == b"x"
            assert cell.value in (0, 1)

        async with left, right:
            await pair(a, b)

    return run


def sockets():
    a, b = trio.socket.socketpair()
    return trio.SocketStream(a), trio.SocketStream(b)


async def test_memory_stream():
    await stream_pair(trio.testing.memory_stream_pair, "before")()


async def test_memory_stream_write_after():
    await stream_pair(trio.testing.memory_stream_pair, "after")()


async def test_lockstep_stream():
    await stream_pair(trio.testing.lockstep_stream_pair, "before")()


async def test_socketpair():
    await stream_pair(sockets, "before")()


async def test_socketpair_write_after():
    await stream_pair(sockets, "after")()


async def test_memory_stream_eof():
    cell = Cell()
    left, right = trio.testing.memory_stream_pair()

    async def a():
        await checkpoint()
        cell.value = 1
        await left.send_eof()

    async def b():
        assert await right.receive_some(1) == b""
        assert cell.value == 1

    await pair(a, b)


def tcp(order):
    async def run():
        cell = Cell()

        async def serve(stream):
            if order == "connect":
                assert cell.value == 1
            data = await stream.receive_some(10)
            if order == "request":
                assert cell.value == 1
            cell.value = 2
            await stream.send_all(data)
            if order == "late":
                await trio.lowlevel.cancel_shielded_checkpoint()
                cell.value = 3

        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            port = listeners[0].socket.getsockname()[1]
            if order == "connect":
                cell.value = 1
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                if order == "request":
                    cell.value = 1
                await stream.send_all(b"x")
                assert await stream.receive_some(10) == b"x"
                assert cell.value in (2, 3)
            nursery.cancel_scope.cancel()

    return run


async def test_tcp_connect():
    await tcp("connect")()


async def test_tcp_request_and_reply():
    await tcp("request")()


async def test_tcp_write_after_the_reply():
    await tcp("late")()


async def test_pipe_of_the_system():
    import os

    cell = Cell()
    r, w = os.pipe()
    left, right = trio.lowlevel.FdStream(w), trio.lowlevel.FdStream(r)

    async def a():
        cell.value = 1
        await left.send_all(b"x")

    async def b():
        await right.receive_some(1)
        assert cell.value == 1

    async with left, right:
        await pair(a, b)


# threads


async def test_to_thread():
    cell = Cell()

    def work():
        cell.value += 1

    cell.value = 1
    await trio.to_thread.run_sync(work)
    assert cell.value == 2


async def test_thread_against_another_task():
    cell = Cell()

    def work():
        cell.value = 1

    async def a():
        await trio.to_thread.run_sync(work)

    async def b():
        await checkpoint()
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_from_thread():
    cell = Cell()

    def read():
        assert cell.value == 1
        cell.value = 2

    async def read_async():
        assert cell.value == 2
        cell.value = 3

    def work():
        cell.value = 1
        trio.from_thread.run_sync(read)
        assert cell.value == 2
        trio.from_thread.run(read_async)
        assert cell.value == 3

    await trio.to_thread.run_sync(work)


async def test_from_thread_against_a_task():
    cell = Cell()

    def write():
        cell.value = 1

    def work():
        trio.from_thread.run_sync(write)

    async def a():
        await trio.to_thread.run_sync(work)

    async def b():
        await checkpoint()
        assert cell.value in (0, 1)

    await pair(a, b)


async def test_run_sync_soon():
    cell = Cell()
    token = trio.lowlevel.current_trio_token()
    event = trio.Event()

    def done():
        assert cell.value == 1
        event.set()

    def work():
        cell.value = 1
        token.run_sync_soon(done)

    thread = threading.Thread(target=work)
    thread.start()
    await event.wait()
    assert cell.value == 1
    thread.join()


async def test_write_after_run_sync_soon():
    cell = Cell()
    token = trio.lowlevel.current_trio_token()
    event = trio.Event()
    go = threading.Event()

    def done():
        event.set()

    def work():
        token.run_sync_soon(done)
        cell.value = 1
        go.set()

    thread = threading.Thread(target=work)
    thread.start()
    await event.wait()
    assert cell.value in (0, 1)
    await trio.to_thread.run_sync(thread.join)


async def test_thread_start_and_join():
    cell = Cell()

    def work():
        cell.value += 1

    cell.value = 1
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert cell.value == 2


async def test_thread_read_before_the_join():
    cell = Cell()

    def work():
        cell.value = 1

    thread = threading.Thread(target=work)
    thread.start()
    assert cell.value in (0, 1)
    thread.join()


def threads(one, other):
    a = threading.Thread(target=one)
    b = threading.Thread(target=other)
    a.start()
    b.start()
    a.join()
    b.join()


async def test_threading_event():
    cell, event = Cell(), threading.Event()

    def one():
        cell.value = 1
        event.set()

    def other():
        event.wait()
        assert cell.value == 1

    threads(one, other)


async def test_threading_event_write_after():
    cell, event = Cell(), threading.Event()

    def one():
        event.set()
        cell.value = 1

    def other():
        event.wait()
        assert cell.value in (0, 1)

    threads(one, other)


async def test_queue():
    cell, q = Cell(), queue.Queue()

    def one():
        cell.value = 1
        q.put(1)

    def other():
        q.get()
        assert cell.value == 1

    threads(one, other)


async def test_queue_write_after():
    cell, q = Cell(), queue.Queue()

    def one():
        q.put(1)
        cell.value = 1

    def other():
        q.get()
        assert cell.value in (0, 1)

    threads(one, other)


async def test_simple_queue():
    cell, q = Cell(), queue.SimpleQueue()

    def one():
        cell.value = 1
        q.put(1)

    def other():
        q.get()
        assert cell.value == 1

    threads(one, other)


async def test_queue_task_done_and_join():
    cell, q = Cell(), queue.Queue()

    def one():
        q.get()
        cell.value = 1
        q.task_done()

    q.put(1)

    def other():
        q.join()
        assert cell.value == 1

    threads(one, other)


async def test_threading_condition():
    cell, condition = Cell(), threading.Condition()
    flag = []

    def one():
        with condition:
            cell.value = 1
            flag.append(1)
            condition.notify()

    def other():
        with condition:
            while not flag:
                condition.wait()
            assert cell.value == 1

    threads(one, other)


async def test_threading_semaphore():
    cell, semaphore = Cell(), threading.Semaphore(0)

    def one():
        cell.value = 1
        semaphore.release()

    def other():
        semaphore.acquire()
        assert cell.value == 1

    threads(one, other)


async def test_barrier():
    cell, barrier = Cell(), threading.Barrier(2)

    def one():
        cell.value = 1
        barrier.wait()

    def other():
        barrier.wait()
        assert cell.value == 1

    threads(one, other)


async def test_write_after_the_barrier():
    cell, barrier = Cell(), threading.Barrier(2)

    def one():
        barrier.wait()
        cell.value = 1

    def other():
        barrier.wait()
        assert cell.value in (0, 1)

    threads(one, other)


async def test_rlock():
    cell, lock = Cell(), threading.RLock()

    def one():
        with lock, lock:
            cell.value += 1

    threads(one, one)
    assert cell.value == 2


async def test_two_thread_locks():
    cell = Cell()

    def one():
        with threading.Lock():
            cell.value = 1

    threads(one, one)


async def test_executor():
    cell = Cell()

    def work():
        cell.value += 1
        return cell.value

    cell.value = 1
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        assert await trio.to_thread.run_sync(future.result) == 2
    assert cell.value == 2


async def test_executor_two_jobs():
    cell = Cell()

    def work(n):
        cell.value = n

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pool.submit(work, 1)
        pool.submit(work, 2)
    assert cell.value in (1, 2)


async def test_executor_map():
    cell = Cell()

    def work(n):
        return cell.value + n

    cell.value = 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, [1, 2])) == [2, 3]
    cell.value = 2


async def test_worker_threads_are_reused():
    cell = Cell()

    def first():
        cell.value = 1

    def second():
        return None

    await trio.to_thread.run_sync(first)
    await trio.to_thread.run_sync(second)
    assert cell.value == 1


async def test_same_worker_thread_orders_nothing():
    cell = Cell()

    def write(n):
        cell.value = n

    async def a():
        await trio.to_thread.run_sync(write, 1)

    async def b():
        for _ in range(20):
            await checkpoint()
        await trio.to_thread.run_sync(write, 2)

    await pair(a, b)


async def test_abandoned_thread_left_alone():
    cell = Cell()
    go = threading.Event()

    def work():
        go.wait(5)

    with trio.move_on_after(0.01):
        await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    cell.value = 1
    go.set()


async def test_abandoned_thread_writes():
    cell = Cell()
    done = threading.Event()
    go = threading.Event()

    def work():
        go.wait(5)
        cell.value = 1
        done.set()

    with trio.move_on_after(0.01):
        await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    go.set()
    assert cell.value in (0, 1)
    cell.value = 2
    done.wait(5)


async def test_list_method_as_a_threads_function():
    xs = []

    async def a():
        await trio.to_thread.run_sync(xs.append, 1)

    async def b():
        await checkpoint()
        assert len(xs) in (0, 1)

    await pair(a, b)


async def test_local_data_of_threads():
    local = threading.local()

    def work(n):
        local.value = n
        assert local.value == n

    threads(partial(work, 1), partial(work, 2))


class Turnstile:
    def __init__(self):
        self.waiting = {}
        self.count = 0

    async def wait(self):
        task = trio.lowlevel.current_task()
        self.waiting[task] = "waits"
        self.count += 1

        def abort(_):
            del self.waiting[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)


async def test_abort_function_undoes_what_the_waiter_did():
    turnstile = Turnstile()
    scope = trio.CancelScope()

    async def waiter():
        with scope:
            await turnstile.wait()

    async def canceller():
        await checkpoint()
        await checkpoint()
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        nursery.start_soon(canceller)
    assert turnstile.waiting == {}


async def test_canceller_is_not_after_the_waiter():
    turnstile = Turnstile()
    scope = trio.CancelScope()

    async def waiter():
        with scope:
            await turnstile.wait()

    async def canceller():
        await checkpoint()
        await checkpoint()
        scope.cancel()
        await checkpoint()
        turnstile.count += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(waiter)
        nursery.start_soon(canceller)
    assert turnstile.count == 2
