"""Code tests: the code in an answer is run, and what its functions return is compared with what they should.

===================  ==================================================================================
scoring              from an answer and a record to a Score
cases                what a record asks of the code, and how two results are compared
running              the parent's side: a limited child process for each answer
child                the child's side: a script of its own, which knows the calls and no result
syscall_filter       what the child may not ask of the kernel
===================  ==================================================================================

The code is a model's, and a model that is trained finds every way to a reward. So the code never learns what is
expected: the child gets the calls alone, sends back what they returned, and the parent, which the child can't read,
compares. Whatever the code does to its own process (end it, print results, patch the interpreter, write into any of
its files), it has to come up with the right value.

Limits of the child are those of an unprivileged process, so they hold in Lambda too: no inherited environment, an empty
directory, limits of time, memory, files and processes, and a filter of system calls where the kernel takes one. They
are no virtual machine: give such a grader a function of its own whose role may write logs and nothing else
(stacks/code_tests.yaml).
"""
