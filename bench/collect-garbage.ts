// Loaded into servers whose memory is measured, with `--expose-gc`. SIGCONT ends no process.
process.on('SIGCONT', () => globalThis.gc?.());
