//! The program behind `tests/run chaos`; see `planshift_tests::chaos`.

fn main() -> std::process::ExitCode {
    planshift_tests::chaos::main()
}
