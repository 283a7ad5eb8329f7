// SPDX-FileCopyrightText: 2026 The hyperkube authors
// SPDX-License-Identifier: Apache-2.0
//
// Assemble: aarch64-linux-gnu-as -EL -o sleep-arm64.o sleep-arm64.S && aarch64-linux-gnu-objcopy -O binary -j .text sleep-arm64.o sleep-arm64.elf
//
// /sleep for linux/arm64: the whole program, ELF headers included, as one flat file.
//
// It sleeps until SIGTERM or SIGINT and then exits with status 0. In C:
//
//     static const sigset_t signals = { SIGINT, SIGTERM, SIGCHLD };
//     static const struct timespec no_time = { 0, 0 };
//
//     rt_sigprocmask(SIG_BLOCK, &signals, NULL, 8);
//     do {
//         pid_t reaped = wait4(-1, NULL, WNOHANG, NULL);
//         signal = rt_sigtimedwait(&signals, NULL, reaped > 0 ? &no_time : NULL, 8);
//     } while (signal != SIGTERM && signal != SIGINT);
//     exit_group(0);
//
// Why so:
// * As PID 1 of a container the kernel drops every signal that has no handler. A
//   blocked signal is never dropped: it stays pending until rt_sigtimedwait takes it.
//   So no handler is needed, and a signal that comes before the wait is not lost.
//   (The same holds for a SIGINT that the parent had set to "ignore".)
// * As PID 1 it inherits every orphan and must reap it, else it stays a zombie.
//   Each turn reaps at most one child. If there was one, there may be more, so the
//   next wait only looks (timeout 0) and the loop goes round; if there was none,
//   it waits without limit, and the next SIGCHLD wakes it. A SIGCHLD stands for
//   any number of dead children, hence the loop. Of several pending signals
//   rt_sigtimedwait takes the lowest number first, so SIGINT (2) and SIGTERM (15)
//   come before SIGCHLD (17): even a flood of dying children does not delay the end.
// * Any other result (SIGCHLD, EAGAIN after the timeout 0, EINTR after SIGSTOP and
//   SIGCONT) is one more turn of the loop.
// * It needs no memory of its own, no stack, no arguments, no privilege.
//
// System calls on this platform: number in x8, arguments in x0, x1, x2, x3; "svc #0"
// calls; the result is in x0, an error as a negative number; all other registers are
// kept. "adr" makes an address relative to the running instruction.

// --- Values of the Linux system call interface (asm-generic/unistd.h, asm-generic/signal.h) ---
        .set    NR_RT_SIGPROCMASK, 135
        .set    NR_RT_SIGTIMEDWAIT, 137
        .set    NR_WAIT4, 260
        .set    NR_EXIT_GROUP, 94
        .set    SIG_BLOCK, 0
        .set    SIGINT, 2
        .set    SIGTERM, 15
        .set    SIGCHLD, 17
        .set    SIGSET_SIZE, 8                  // bytes in the kernel's sigset_t
        .set    WNOHANG, 1

// The address of the file's first byte in memory: a multiple of 64 KiB, the largest
// page size of any kernel here, and the customary one for this platform.
        .set    BASE, 0x400000

        .text
// --- ELF file header (Elf64_Ehdr, 64 bytes) ---
start:
        .byte   0x7f, 'E', 'L', 'F'             // e_ident: magic number
        .byte   2                               //   class: 64 bit
        .byte   1                               //   byte order: little endian
        .byte   1                               //   ELF version
        .byte   0, 0                            //   ABI: System V, version 0
        .byte   0, 0, 0, 0, 0, 0, 0             //   padding
        .2byte  2                               // e_type: ET_EXEC, a fixed-address program
        .2byte  183                             // e_machine: EM_AARCH64
        .4byte  1                               // e_version
        .8byte  BASE + (entry - start)          // e_entry: first instruction
        .8byte  program_headers - start         // e_phoff
        .8byte  0                               // e_shoff: there are no section headers
        .4byte  0                               // e_flags
        .2byte  64                              // e_ehsize
        .2byte  56                              // e_phentsize
        .2byte  2                               // e_phnum
        .2byte  64                              // e_shentsize
        .2byte  0                               // e_shnum
        .2byte  0                               // e_shstrndx: none

// --- Program headers (Elf64_Phdr, 56 bytes each) ---
program_headers:
// The whole file, headers included, as one read-only and executable segment.
        .4byte  1                               // p_type: PT_LOAD
        .4byte  5                               // p_flags: read (4) + execute (1)
        .8byte  0                               // p_offset
        .8byte  BASE                            // p_vaddr
        .8byte  BASE                            // p_paddr
        .8byte  end - start                     // p_filesz
        .8byte  end - start                     // p_memsz
        .8byte  0x10000                         // p_align: 64 KiB

// No segment, only a flag: the stack is not executable.
        .4byte  0x6474e551                      // p_type: PT_GNU_STACK
        .4byte  6                               // p_flags: read (4) + write (2)
        .8byte  0                               // p_offset
        .8byte  0                               // p_vaddr
        .8byte  0                               // p_paddr
        .8byte  0                               // p_filesz
        .8byte  0                               // p_memsz
        .8byte  16                              // p_align

// --- Constants ---
// A sigset_t is one 64-bit number here; bit n-1 stands for signal n.
signals:
        .8byte  (1 << (SIGINT - 1)) | (1 << (SIGTERM - 1)) | (1 << (SIGCHLD - 1))
// struct timespec { tv_sec, tv_nsec } = do not wait at all
no_time:
        .8byte  0, 0

// --- Code ---
entry:
        // rt_sigprocmask(SIG_BLOCK, &signals, NULL, 8)
        mov     x0, #SIG_BLOCK
        adr     x1, signals
        mov     x2, #0
        mov     x3, #SIGSET_SIZE
        mov     x8, #NR_RT_SIGPROCMASK
        svc     #0

again:
        // reaped = wait4(-1, NULL, WNOHANG, NULL)
        mov     x0, #-1                         // any child
        mov     x1, #0
        mov     x2, #WNOHANG
        mov     x3, #0
        mov     x8, #NR_WAIT4
        svc     #0

        // timeout = reaped > 0 ? &no_time : NULL
        mov     x2, #0
        cmp     x0, #0                          // 0: none is dead; negative: no children
        b.le    wait
        adr     x2, no_time

wait:
        // signal = rt_sigtimedwait(&signals, NULL, timeout, 8)
        adr     x0, signals
        mov     x1, #0
        mov     x3, #SIGSET_SIZE
        mov     x8, #NR_RT_SIGTIMEDWAIT
        svc     #0

        // Any signal but these two, or an error: go round again.
        cmp     x0, #SIGTERM
        b.eq    exit
        cmp     x0, #SIGINT
        b.ne    again

exit:
        // exit_group(0)
        mov     x0, #0
        mov     x8, #NR_EXIT_GROUP
        svc     #0
end:
