# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
#
# Assemble: powerpc64le-linux-gnu-as -a64 -mlittle -mpower8 -o sleep-ppc64le.o sleep-ppc64le.S && powerpc64le-linux-gnu-objcopy -O binary -j .text sleep-ppc64le.o sleep-ppc64le.elf
#
# /sleep for linux/ppc64le: the whole program, ELF headers included, as one flat file.
#
# It sleeps until SIGTERM or SIGINT and then exits with status 0. In C:
#
#     static const sigset_t signals = { SIGINT, SIGTERM, SIGCHLD };
#     static const struct timespec no_time = { 0, 0 };
#
#     rt_sigprocmask(SIG_BLOCK, &signals, NULL, 8);
#     do {
#         pid_t reaped = wait4(-1, NULL, WNOHANG, NULL);
#         signal = rt_sigtimedwait(&signals, NULL, reaped > 0 ? &no_time : NULL, 8);
#     } while (signal != SIGTERM && signal != SIGINT);
#     exit_group(0);
#
# Why so:
# * As PID 1 of a container the kernel drops every signal that has no handler. A
#   blocked signal is never dropped: it stays pending until rt_sigtimedwait takes it.
#   So no handler is needed, and a signal that comes before the wait is not lost.
#   (The same holds for a SIGINT that the parent had set to "ignore".)
# * As PID 1 it inherits every orphan and must reap it, else it stays a zombie.
#   Each turn reaps at most one child. If there was one, there may be more, so the
#   next wait only looks (timeout 0) and the loop goes round; if there was none,
#   it waits without limit, and the next SIGCHLD wakes it. A SIGCHLD stands for
#   any number of dead children, hence the loop. Of several pending signals
#   rt_sigtimedwait takes the lowest number first, so SIGINT (2) and SIGTERM (15)
#   come before SIGCHLD (17): even a flood of dying children does not delay the end.
# * Any other result (SIGCHLD, EAGAIN after the timeout 0, EINTR after SIGSTOP and
#   SIGCONT) is one more turn of the loop.
# * It needs no memory of its own, no stack, no arguments, no privilege.
#
# System calls on this platform: number in r0, arguments in r3, r4, r5, r6; "sc" calls;
# the result is in r3. An error is NOT a negative number: r3 then holds the positive
# error number and the "summary overflow" bit of the condition register is set, which
# "bso" (branch if summary overflow) tests. r0 and r3 to r12 may be overwritten, r14
# and up are kept. There is no address relative to the running instruction, but BASE
# is a multiple of 64 KiB: "lis" loads its upper half, "addi" adds the place in the file.

# --- Values of the Linux system call interface (arch/powerpc/kernel/syscalls/syscall.tbl, asm-generic/signal.h) ---
        .set    NR_RT_SIGPROCMASK, 174
        .set    NR_RT_SIGTIMEDWAIT, 176
        .set    NR_WAIT4, 114
        .set    NR_EXIT_GROUP, 234
        .set    SIG_BLOCK, 0
        .set    SIGINT, 2
        .set    SIGTERM, 15
        .set    SIGCHLD, 17
        .set    SIGSET_SIZE, 8                  # bytes in the kernel's sigset_t
        .set    WNOHANG, 1

# The address of the file's first byte in memory: a multiple of 64 KiB, the largest
# page size of any kernel here, and the customary one for this platform.
        .set    BASE, 0x10000000

        .text
# --- ELF file header (Elf64_Ehdr, 64 bytes) ---
start:
        .byte   0x7f, 'E', 'L', 'F'             # e_ident: magic number
        .byte   2                               #   class: 64 bit
        .byte   1                               #   byte order: little endian
        .byte   1                               #   ELF version
        .byte   0, 0                            #   ABI: System V, version 0
        .byte   0, 0, 0, 0, 0, 0, 0             #   padding
        .2byte  2                               # e_type: ET_EXEC, a fixed-address program
        .2byte  21                              # e_machine: EM_PPC64
        .4byte  1                               # e_version
        .8byte  BASE + (entry - start)          # e_entry: first instruction
        .8byte  program_headers - start         # e_phoff
        .8byte  0                               # e_shoff: there are no section headers
        .4byte  2                               # e_flags: ELFv2 ABI, e_entry is the code itself
        .2byte  64                              # e_ehsize
        .2byte  56                              # e_phentsize
        .2byte  2                               # e_phnum
        .2byte  64                              # e_shentsize
        .2byte  0                               # e_shnum
        .2byte  0                               # e_shstrndx: none

# --- Program headers (Elf64_Phdr, 56 bytes each) ---
program_headers:
# The whole file, headers included, as one read-only and executable segment.
        .4byte  1                               # p_type: PT_LOAD
        .4byte  5                               # p_flags: read (4) + execute (1)
        .8byte  0                               # p_offset
        .8byte  BASE                            # p_vaddr
        .8byte  BASE                            # p_paddr
        .8byte  end - start                     # p_filesz
        .8byte  end - start                     # p_memsz
        .8byte  0x10000                         # p_align: 64 KiB

# No segment, only a flag: the stack is not executable.
        .4byte  0x6474e551                      # p_type: PT_GNU_STACK
        .4byte  6                               # p_flags: read (4) + write (2)
        .8byte  0                               # p_offset
        .8byte  0                               # p_vaddr
        .8byte  0                               # p_paddr
        .8byte  0                               # p_filesz
        .8byte  0                               # p_memsz
        .8byte  16                              # p_align

# --- Constants ---
# A sigset_t is one 64-bit number here; bit n-1 stands for signal n.
signals:
        .8byte  (1 << (SIGINT - 1)) | (1 << (SIGTERM - 1)) | (1 << (SIGCHLD - 1))
# struct timespec { tv_sec, tv_nsec } = do not wait at all
no_time:
        .8byte  0, 0

# --- Code ---
entry:
        # The two addresses, for good.
        lis     %r14, BASE >> 16
        addi    %r15, %r14, no_time - start     # r15 = &no_time
        addi    %r14, %r14, signals - start     # r14 = &signals

        # rt_sigprocmask(SIG_BLOCK, &signals, NULL, 8)
        li      %r3, SIG_BLOCK
        mr      %r4, %r14
        li      %r5, 0
        li      %r6, SIGSET_SIZE
        li      %r0, NR_RT_SIGPROCMASK
        sc

again:
        # reaped = wait4(-1, NULL, WNOHANG, NULL)
        li      %r3, -1                         # any child
        li      %r4, 0
        li      %r5, WNOHANG
        li      %r6, 0
        li      %r0, NR_WAIT4
        sc

        # timeout = reaped > 0 ? &no_time : NULL
        li      %r5, 0
        bso     wait                            # error: no children
        cmpdi   %r3, 0
        beq     wait                            # 0: none is dead
        mr      %r5, %r15

wait:
        # signal = rt_sigtimedwait(&signals, NULL, timeout, 8)
        mr      %r3, %r14
        li      %r4, 0
        li      %r6, SIGSET_SIZE
        li      %r0, NR_RT_SIGTIMEDWAIT
        sc

        # Any signal but these two, or an error: go round again.
        bso     again
        cmpdi   %r3, SIGTERM
        beq     exit
        cmpdi   %r3, SIGINT
        bne     again

exit:
        # exit_group(0)
        li      %r3, 0
        li      %r0, NR_EXIT_GROUP
        sc
end:
