/* The parts of the init of a guest, and what they share. */
#ifndef KHOFORGE_INIT_H
#define KHOFORGE_INIT_H

#include <sys/types.h>

/* output.c: one fact a line, each after "khoforge-init: ". */
void open_output(void);
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
/* The lines that a child writes into a pipe, as they are, until it ends; returns its status, as waitpid(2) gives it. */
int pass_on_output(int fd, pid_t child);
/* "error WHAT REASON", the reason from errno. */
void say_error(const char *what);
/* Without white space, each other odd byte as \xHH, and cut at 700 characters. */
const char *escaped(const char *text);

/* Commands of a plan: `words` begins with the command's name and ends with NULL. */
void print_command(char **words);
void tree_command(char **words);
void sha256_command(char **words);
void write_command(char **words);
void load_command(char **words);
void kexec_command(char **words);
void luo_command(char **words);
void luo_close_command(char **words);
void luo_again_command(char **words);
void preserve_command(char **words);
void session_command(char **words);
void memfd_command(char **words);
void memory_command(char **words);

#endif
