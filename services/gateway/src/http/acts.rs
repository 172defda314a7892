//! Handlers of what people do to something, one for each act: the last part of the path is its name.

/// A handler for each of these: it calls the module's own `act` with what is to be done, and with the name of it.
macro_rules! acts {
    ($($name:ident: $act:expr),* $(,)?) => { $(
        pub(in crate::http) async fn $name(
            axum::extract::State(app): axum::extract::State<App>,
            axum::Extension(context): axum::Extension<Context>,
            axum::extract::Path(id): axum::extract::Path<String>,
            fields: Fields,
        ) -> Result<Answer, ApiError> {
            act(&app, &context, &id, $act, stringify!($name), &fields).await
        }
    )* };
}
pub(super) use acts;
