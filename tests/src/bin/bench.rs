//! The program behind `tests/run bench`; see `planshift_tests::bench`.

fn main() -> std::process::ExitCode {
    planshift_tests::bench::main()
}
