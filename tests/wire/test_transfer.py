"""The sender of one file: transcripts of real clients, then any network at all."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire.tftp import Ack, Data, Error, OptionAck, Packet, ReadRequest, decode, encode
from netbootd.wire.tftp_options import Limits
from netbootd.wire.transfer import Outcome, Transfer, absolute, wire_number
from tests.support.link import Link, run
from tests.support.tftp_reader import Manners, Reader

PATIENT = Limits(retries=1000)


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def begin(size: int, *, limits: Limits | None = None, jitter: float = 0.0, **options: str) -> Transfer:
    request = ReadRequest("file", "octet", tuple(options.items()))
    transfer = Transfer(request, size, limits or Limits(), 0.0, jitter)
    transfer.provide(0, content(size), 0.0)
    return transfer


def sent(transfer: Transfer, now: float = 0.0) -> list[Packet]:
    return [decode(datagram) for datagram in transfer.datagrams(now)]


def blocks(transfer: Transfer, now: float = 0.0) -> list[int]:
    """The numbers of the DATA packets it sends now."""
    packets = sent(transfer, now)
    assert all(isinstance(packet, Data) for packet in packets)
    return [packet.block for packet in packets if isinstance(packet, Data)]


def hear(transfer: Transfer, *packets: Packet, now: float = 0.0) -> None:
    for packet in packets:
        transfer.receive(encode(packet), now)


class TestRealClients:
    """Requests as the firmware sends them, and the answers it waits for."""

    def test_edk2_asks_the_size_first_and_stops_by_design(self) -> None:
        transfer = begin(3000, tsize="0", blksize="1468")
        assert sent(transfer) == [OptionAck((("tsize", "3000"), ("blksize", "1468")))]
        hear(transfer, Error(8, "User aborted the transfer"))
        assert transfer.outcome is Outcome.PROBED
        assert transfer.detail == "User aborted the transfer (error 8)"
        assert sent(transfer) == []
        assert transfer.deadline() is None

    def test_edk2_reads_in_windows_of_four(self) -> None:
        transfer = begin(1468 * 5 + 10, blksize="1468", windowsize="4")
        assert sent(transfer) == [OptionAck((("blksize", "1468"), ("windowsize", "4")))]
        assert sent(transfer) == []
        hear(transfer, Ack(0))
        assert blocks(transfer) == [1, 2, 3, 4]
        hear(transfer, Ack(4))
        assert blocks(transfer) == [5, 6]
        hear(transfer, Ack(6))
        assert transfer.outcome is Outcome.DELIVERED
        assert transfer.delivered == transfer.size

    def test_ipxe_asks_blksize_1432_and_the_size(self) -> None:
        transfer = begin(1432 + 1, blksize="1432", tsize="0")
        assert sent(transfer) == [OptionAck((("blksize", "1432"), ("tsize", "1433")))]
        hear(transfer, Ack(0))
        assert sent(transfer) == [Data(1, content(1433)[:1432])]
        hear(transfer, Ack(1))
        assert sent(transfer) == [Data(2, content(1433)[1432:])]
        hear(transfer, Ack(2))
        assert transfer.outcome is Outcome.DELIVERED

    def test_grub_asks_blksize_1024_and_acknowledges_old_blocks_again(self) -> None:
        transfer = begin(2048 + 5, blksize="1024", tsize="0")
        assert sent(transfer) == [OptionAck((("blksize", "1024"), ("tsize", "2053")))]
        hear(transfer, Ack(0))
        assert blocks(transfer) == [1]
        hear(transfer, Ack(1))
        assert blocks(transfer) == [2]
        hear(transfer, Ack(1), Ack(1))
        assert blocks(transfer) == []
        hear(transfer, Ack(2))
        assert blocks(transfer) == [3]
        hear(transfer, Ack(3))
        assert transfer.outcome is Outcome.DELIVERED
        assert transfer.retransmits == 0

    def test_u_boot_asks_for_a_timeout_of_its_own(self) -> None:
        transfer = begin(100, timeout="5", tsize="0", blksize="1468")
        assert sent(transfer) == [OptionAck((("timeout", "5"), ("tsize", "100"), ("blksize", "1468")))]
        assert transfer.deadline() == 5.0
        hear(transfer, Ack(0), now=1.0)
        assert blocks(transfer, 1.0) == [1]
        assert transfer.deadline() == 6.0

    def test_shim_asks_for_blocks_of_512(self) -> None:
        transfer = begin(600, tsize="0", blksize="512")
        assert sent(transfer) == [OptionAck((("tsize", "600"), ("blksize", "512")))]

    def test_a_plain_rfc_1350_client_gets_the_first_block_at_once(self) -> None:
        transfer = begin(700)
        assert sent(transfer) == [Data(1, content(700)[:512])]
        hear(transfer, Ack(1))
        assert sent(transfer) == [Data(2, content(700)[512:])]

    def test_a_client_that_asks_only_for_what_we_do_not_know_gets_no_oack(self) -> None:
        transfer = begin(10, multicast="", utimeout="300")
        assert sent(transfer) == [Data(1, content(10))]


class TestTheEnd:
    @pytest.mark.parametrize(("size", "lengths"), [(0, [0]), (511, [511]), (512, [512, 0]), (1024, [512, 512, 0])])
    def test_a_block_shorter_than_blksize_ends_the_file_even_when_it_is_empty(
        self, size: int, lengths: list[int]
    ) -> None:
        transfer = begin(size)
        seen = []
        while transfer.outcome is None:
            for packet in sent(transfer):
                assert isinstance(packet, Data)
                seen.append(len(packet.payload))
                hear(transfer, Ack(packet.block))
        assert seen == lengths
        assert transfer.outcome is Outcome.DELIVERED

    def test_an_error_in_the_middle_is_an_abort(self) -> None:
        transfer = begin(2000, tsize="0")
        sent(transfer)
        hear(transfer, Ack(0))
        sent(transfer)
        hear(transfer, Ack(1), Error(3, "disk full"))
        assert transfer.outcome is Outcome.ABORTED_BY_CLIENT
        assert transfer.detail == "disk full (error 3)"
        assert transfer.delivered == 512

    def test_an_error_without_having_asked_the_size_is_an_abort(self) -> None:
        transfer = begin(2000, blksize="1024")
        sent(transfer)
        hear(transfer, Error(0))
        assert transfer.outcome is Outcome.ABORTED_BY_CLIENT

    @pytest.mark.parametrize("outcome", [Outcome.SERVER_CLOSED, Outcome.READ_FAILED])
    def test_a_client_that_still_listens_is_told(self, outcome: Outcome) -> None:
        transfer = begin(2000)
        sent(transfer)
        transfer.end(outcome, 3.0)
        assert sent(transfer) == [Error(0, outcome.value)]
        assert sent(transfer) == []
        assert transfer.finished == 3.0

    def test_a_client_that_is_gone_is_not(self) -> None:
        transfer = begin(2000)
        transfer.end(Outcome.CLIENT_GONE, 3.0)
        assert sent(transfer) == []

    def test_what_comes_after_the_end_changes_nothing(self) -> None:
        transfer = begin(10)
        sent(transfer)
        hear(transfer, Ack(1))
        hear(transfer, Error(0, "late"), Ack(1))
        transfer.end(Outcome.SERVER_CLOSED, 9.0)
        transfer.expire(99.0)
        transfer.provide(0, b"late", 99.0)
        assert transfer.outcome is Outcome.DELIVERED
        assert sent(transfer) == []
        assert transfer.wants() is None


class TestWindow:
    """RFC 7440."""

    def open(self, size: int = 512 * 10 + 1, windowsize: str = "4") -> Transfer:
        transfer = begin(size, windowsize=windowsize)
        sent(transfer)
        hear(transfer, Ack(0))
        assert blocks(transfer) == [1, 2, 3, 4]
        return transfer

    def test_an_acknowledgment_inside_the_window_starts_the_next_window_after_it(self) -> None:
        transfer = self.open()
        hear(transfer, Ack(2))
        assert blocks(transfer) == [3, 4, 5, 6]
        assert transfer.retransmits == 2

    def test_an_acknowledgment_before_the_window_does_nothing(self) -> None:
        transfer = self.open()
        hear(transfer, Ack(4))
        assert blocks(transfer) == [5, 6, 7, 8]
        hear(transfer, Ack(4), Ack(3), Ack(0))
        assert blocks(transfer) == []
        assert transfer.retransmits == 0

    def test_an_acknowledgment_of_what_was_never_sent_does_nothing(self) -> None:
        transfer = self.open()
        hear(transfer, Ack(5), Ack(0xFFFF))
        assert blocks(transfer) == []

    def test_of_several_acknowledgments_drained_at_once_the_last_one_counts(self) -> None:
        transfer = self.open()
        hear(transfer, Ack(2), Ack(4))
        assert blocks(transfer) == [5, 6, 7, 8]

    def test_the_whole_window_counts_after_a_rewind(self) -> None:
        """An ACK of a block sent before the rewind is as good as one of its second copy."""
        transfer = self.open()
        hear(transfer, Ack(1))
        assert blocks(transfer) == [2, 3, 4, 5]
        hear(transfer, Ack(4))
        assert blocks(transfer) == [5, 6, 7, 8]

    def test_the_window_ends_with_the_file(self) -> None:
        transfer = self.open(512 * 5)
        hear(transfer, Ack(4))
        assert blocks(transfer) == [5, 6]


class TestTimer:
    def test_each_silence_is_answered_by_a_resend_after_twice_the_time(self) -> None:
        transfer = begin(2000)
        now, waits = 0.0, []
        while True:
            assert blocks(transfer, now) == [1]
            deadline = transfer.deadline()
            assert deadline is not None
            waits.append(deadline - now)
            now = deadline
            transfer.expire(now)
            if transfer.outcome is not None:
                break
        assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
        assert transfer.outcome is Outcome.NEVER_ANSWERED
        assert transfer.retransmits == Limits().retries

    def test_who_agreed_and_then_fell_silent_is_told_from_who_never_answered(self) -> None:
        """The first block is lost for its size, or all of our answers are."""
        transfer = begin(2000, blksize="1468")
        hear(transfer, Ack(0))
        sent(transfer)
        while (deadline := transfer.deadline()) is not None:
            transfer.expire(deadline)
            sent(transfer, deadline)
        assert (transfer.outcome, transfer.delivered) == (Outcome.TIMED_OUT, 0)

    def test_progress_makes_it_patient_again(self) -> None:
        transfer = begin(2000)
        sent(transfer)
        transfer.expire(1.0)
        assert blocks(transfer, 1.0) == [1]
        hear(transfer, Ack(1), now=1.5)
        assert blocks(transfer, 1.5) == [2]
        assert transfer.deadline() == 2.5

    def test_a_repeated_acknowledgment_does_not_hold_the_timer_up(self) -> None:
        transfer = begin(2000)
        sent(transfer)
        hear(transfer, Ack(1), now=0.5)
        sent(transfer, 0.5)
        hear(transfer, Ack(1), now=1.4)
        assert transfer.deadline() == 1.5

    def test_nothing_is_resent_before_the_deadline(self) -> None:
        transfer = begin(2000)
        sent(transfer)
        transfer.expire(0.999)
        assert sent(transfer, 0.999) == []

    def test_the_oack_is_resent_as_it_was(self) -> None:
        transfer = begin(2000, tsize="0")
        first = sent(transfer)
        transfer.expire(1.0)
        assert sent(transfer, 1.0) == first
        assert transfer.retransmits == 1

    def test_a_client_may_ask_for_longer_waits_than_ours(self) -> None:
        transfer = begin(2000, timeout="30")
        hear(transfer, Ack(0))
        sent(transfer)
        transfer.expire(30.0)
        sent(transfer, 30.0)
        assert transfer.deadline() == 60.0

    @pytest.mark.parametrize("options", [{}, {"timeout": "255"}])
    def test_whoever_never_answers_is_given_up_within_a_minute_whatever_it_asked(self, options: dict[str, Any]) -> None:
        """Requests with forged addresses and timeout=255 would hold every place for half an hour."""
        transfer = begin(2000, **options)
        now = 0.0
        while transfer.outcome is None:
            now = transfer.deadline() or now
            transfer.expire(now)
            sent(transfer, now)
        assert transfer.outcome is Outcome.NEVER_ANSWERED
        assert now < 60.0

    def test_jitter_lengthens_the_wait_and_never_shortens_it(self) -> None:
        """Raspberry Pi's start4.elf is confused by a duplicate that comes before its time."""
        assert begin(1, jitter=0.0).deadline() == 1.0
        assert begin(1, jitter=1.0).deadline() == 1.25


class TestAskedAgain:
    def test_a_lost_oack_is_sent_again(self) -> None:
        transfer = begin(2000, tsize="0")
        first = sent(transfer)
        assert transfer.is_repeat(transfer.request)
        hear(transfer, transfer.request, transfer.request)
        assert sent(transfer) == first

    def test_a_lost_first_block_is_sent_again(self) -> None:
        transfer = begin(2000)
        first = sent(transfer)
        hear(transfer, transfer.request)
        assert sent(transfer) == first

    @pytest.mark.parametrize("options", [{}, {"tsize": "0"}])
    def test_an_echo_of_the_request_later_on_does_nothing(self, options: dict[str, Any]) -> None:
        transfer = begin(2000, **options)
        sent(transfer)
        hear(transfer, Ack(0 if options else 1))
        sent(transfer)
        assert transfer.is_repeat(transfer.request)
        hear(transfer, transfer.request)
        assert sent(transfer) == []

    def test_after_a_silence_it_is_a_machine_that_was_reset(self) -> None:
        transfer = begin(2000, tsize="0")
        sent(transfer)
        hear(transfer, Ack(0))
        sent(transfer)
        transfer.expire(1.0)
        assert not transfer.is_repeat(transfer.request)

    def test_another_request_is_no_repeat(self) -> None:
        assert not begin(2000).is_repeat(ReadRequest("another"))


class TestReads:
    """`wants` and `provide`: a file that is not in memory."""

    def begin(self, size: int, **options: str) -> Transfer:
        return Transfer(ReadRequest("file", "octet", tuple(options.items())), size, Limits(), 0.0)

    def test_it_asks_for_a_good_piece_and_sends_nothing_until_it_comes(self) -> None:
        transfer = self.begin(100_000)
        assert transfer.wants() == (0, 32768)
        assert sent(transfer) == []
        transfer.provide(0, content(100_000)[:32768], 0.0)
        assert blocks(transfer) == [1]

    def test_the_next_piece_is_read_while_the_window_is_in_flight(self) -> None:
        transfer = self.begin(100_000)
        transfer.provide(0, bytes(32768), 0.0)
        assert transfer.wants() is None
        sent(transfer)
        hear(transfer, Ack(1))
        assert transfer.wants() == (32768, 32768)

    def test_a_piece_holds_a_whole_window(self) -> None:
        transfer = self.begin(1_000_000, windowsize="64", blksize="1468")
        assert transfer.wants() == (0, 64 * 1468)

    def test_what_was_acknowledged_is_let_go(self) -> None:
        transfer = self.begin(1_000_000, blksize="1024")
        sent(transfer)
        number = 0
        while transfer.outcome is None:
            hear(transfer, Ack(number))
            while (wanted := transfer.wants()) is not None:
                transfer.provide(wanted[0], bytes(wanted[1]), 0.0)
            assert transfer.buffered <= 2 * 32768
            blocks(transfer)
            number += 1
        assert transfer.outcome is Outcome.DELIVERED

    def test_a_block_that_waits_for_the_disk_cannot_be_acknowledged(self) -> None:
        transfer = self.begin(100_000, windowsize="4")
        transfer.provide(0, bytes(1024), 0.0)
        sent(transfer)
        hear(transfer, Ack(0))
        assert blocks(transfer) == [1, 2]
        hear(transfer, Ack(3))
        assert transfer.delivered == 0

    def test_a_short_read_is_taken_and_the_rest_asked_for(self) -> None:
        transfer = self.begin(1000)
        transfer.provide(0, content(1000)[:600], 0.0)
        assert sent(transfer) == [Data(1, content(1000)[:512])]
        assert transfer.wants() == (600, 400)
        hear(transfer, Ack(1))
        assert sent(transfer) == []
        transfer.provide(600, content(1000)[600:], 0.0)
        assert sent(transfer) == [Data(2, content(1000)[512:])]
        assert transfer.wants() is None

    def test_a_file_that_shrinks_ends_the_transfer_with_words(self) -> None:
        transfer = self.begin(1000)
        transfer.provide(0, b"", 0.0)
        assert transfer.outcome is Outcome.READ_FAILED
        assert sent(transfer) == [Error(0, "the file could not be read")]

    def test_a_disk_that_never_answers_is_not_the_clients_fault(self) -> None:
        transfer = self.begin(1000)
        while (deadline := transfer.deadline()) is not None:
            assert sent(transfer, deadline) == []
            transfer.expire(deadline)
        assert transfer.outcome is Outcome.READ_FAILED

    def test_data_that_was_not_wanted_is_our_own_mistake(self) -> None:
        with pytest.raises(AssertionError, match="offset"):
            self.begin(1000).provide(100, b"x", 0.0)

    def test_an_empty_file_needs_no_read(self) -> None:
        transfer = self.begin(0)
        assert transfer.wants() is None
        assert sent(transfer) == [Data(1, b"")]


class TestNumbers:
    def test_the_number_after_65535_is_0_or_1(self) -> None:
        assert [wire_number(block, 0) for block in (0, 1, 65535, 65536, 65537, 131072)] == [0, 1, 65535, 0, 1, 0]
        assert [wire_number(block, 1) for block in (0, 1, 65535, 65536, 65537, 131071)] == [0, 1, 65535, 1, 2, 1]

    @given(st.integers(0, 10**7), st.integers(0, 60000), st.sampled_from([0, 1]))
    def test_the_block_is_found_from_its_number(self, base: int, ahead: int, rollover: int) -> None:
        block = base + ahead
        if block or not rollover:
            assert absolute(wire_number(block, rollover), base, rollover) == block

    def test_with_rollover_1_the_number_0_is_never_a_block_ahead(self) -> None:
        assert absolute(0, 65535, 1) == 0


@given(
    datagrams=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.integers(0, 0xFFFF).map(lambda number: encode(Ack(number))),
            st.sampled_from([encode(ReadRequest("file")), encode(Data(1, b"x")), encode(OptionAck(()))]),
        )
    )
)
def test_no_datagram_makes_it_raise_or_send_what_it_should_not(datagrams: list[bytes]) -> None:
    transfer = begin(5000, windowsize="3")
    for now, datagram in enumerate(datagrams):
        transfer.receive(datagram, float(now))
        assert len(transfer.datagrams(float(now))) <= 3
        transfer.expire(float(now))


@settings(max_examples=150, deadline=None)
@given(
    size=st.one_of(st.integers(0, 6000), st.sampled_from([512, 1024, 4096])),
    blksize=st.sampled_from([None, "8", "100", "512", "1468"]),
    windowsize=st.sampled_from([None, "1", "2", "4", "64"]),
    link=st.builds(
        Link,
        seed=st.integers(0, 1 << 30),
        loss=st.sampled_from([0.0, 0.05, 0.3]),
        duplicate=st.sampled_from([0.0, 0.1, 0.5]),
        delay=st.sampled_from([0.0, 0.01, 3.0]),
    ),
    manners=st.builds(Manners, repeats_ack=st.booleans(), acks_every_gap=st.booleans()),
    from_disk=st.booleans(),
)
def test_the_exact_bytes_arrive_over_any_link(
    size: int, blksize: str | None, windowsize: str | None, link: Link, manners: Manners, from_disk: bool
) -> None:
    """Loss, duplication, reordering, delays beyond the timer; careful and careless clients."""
    options = {"blksize": blksize, "windowsize": windowsize, "tsize": "0"}
    request = ReadRequest("file", "octet", tuple((name, value) for name, value in options.items() if value))
    transfer = Transfer(request, size, PATIENT, 0.0)
    if not from_disk:
        transfer.provide(0, content(size), 0.0)
    reader = Reader(request, manners=manners)
    run(transfer, reader, link, content(size) if from_disk else None)
    assert bytes(reader.received) == content(size)
    assert reader.complete
    assert reader.options["tsize"] == str(size)


@settings(max_examples=30, deadline=None)
@given(
    windowsize=st.sampled_from(["1", "4", "16", "64"]),
    link=st.builds(
        Link,
        seed=st.integers(0, 1 << 30),
        loss=st.sampled_from([0.01, 0.1]),
        duplicate=st.sampled_from([0.0, 0.1]),
        delay=st.sampled_from([0.0, 0.01, 3.0]),
    ),
)
def test_a_file_of_many_pieces_arrives_from_disk(windowsize: str, link: Link) -> None:
    """Resending and reading ahead must agree about which bytes are still at hand."""
    size = 300_000
    request = ReadRequest("file", "octet", (("blksize", "1468"), ("windowsize", windowsize)))
    reader = Reader(request)
    run(Transfer(request, size, PATIENT, 0.0), reader, link, content(size))
    assert bytes(reader.received) == content(size)


@pytest.mark.parametrize("rollover", [0, 1])
def test_a_file_of_more_than_65535_blocks_rolls_over(rollover: int) -> None:
    size = 8 * 66_000 + 3
    request = ReadRequest("file", "octet", (("blksize", "8"), ("windowsize", "16")))
    transfer = Transfer(request, size, Limits(rollover=1 if rollover else 0), 0.0)
    transfer.provide(0, content(size), 0.0)
    reader = Reader(request, manners=Manners(rollover=rollover))
    run(transfer, reader, Link(seed=7, loss=0.001))
    assert bytes(reader.received) == content(size)


def test_the_sorcerers_apprentice_stays_away() -> None:
    """RFC 1123 section 4.2.3.1.  One delayed ACK must not double every later packet: on a link that merely delays,
    with a client that acknowledges each copy, the datagrams stay near two a block."""
    size = 512 * 400
    transfer = begin(size, limits=PATIENT)
    reader = Reader(transfer.request, manners=Manners(repeats_ack=True, timeout=60.0))
    link = Link(seed=1, latency=0.01, delay=1.2)  # some round trips outlast the timer of one second
    run(transfer, reader, link)
    assert bytes(reader.received) == content(size)
    assert 0 < transfer.retransmits < 400
    assert link.carried <= 2 * 401 + 3 * transfer.retransmits


def test_a_clean_link_costs_two_datagrams_a_block_in_lock_step() -> None:
    transfer = begin(512 * 100)
    link = Link()
    run(transfer, Reader(transfer.request), link)
    assert link.carried == 2 * 101
