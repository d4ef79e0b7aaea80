import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { ErrorState, Loading } from "@/parts/states";
import { ErrorBoundary } from "./ErrorBoundary";
import { PageView } from "./LazyPage";
import { pages } from "./routes";
import { Shell } from "./Shell";
import { SessionProvider, useSessionQuery } from "./session";

const SignInPage = lazy(() => import("./SignInPage"));
const SetupPage = lazy(() => import("./SetupPage"));
const JoinPage = lazy(() => import("./JoinPage"));
const SharedPage = lazy(() => import("@/call/SharedPage"));

/** Everything: what needs no session first, then the signed-in pages in their frame. */
export function App() {
  return (
    <ErrorBoundary>
      <Suspense fallback={<Loading />}>
        <Switch>
          <Route path="/shared/:token">{({ token }) => <SharedPage token={token} />}</Route>
          <Route path="/join">
            <JoinPage />
          </Route>
          <Route>
            <SignedInPages />
          </Route>
        </Switch>
      </Suspense>
    </ErrorBoundary>
  );
}

function SignedInPages() {
  const session = useSessionQuery();
  const [location] = useLocation();
  const search = useSearch();
  if (session.isPending) return <Loading />;
  if (session.isError) return <ErrorState error={session.error} retry={() => session.refetch()} page />;
  if (!session.data.signed_in) {
    if (location === "/setup" || session.data.setup_needed) return <SetupPage needed={session.data.setup_needed} />;
    return <SignInPage oidc={session.data.oidc} next={`${location}${search ? `?${search}` : ""}`} />;
  }
  return (
    <SessionProvider session={session.data}>
      <Shell>
        <ErrorBoundary key={location}>
          <Suspense fallback={<Loading />}>
            <Switch>
              {pages.map(({ path, page }) => (
                <Route key={path} path={path}>
                  {(parameters) => <PageView page={page} parameters={parameters} />}
                </Route>
              ))}
              <Route>
                <Redirect to="/calls" replace />
              </Route>
            </Switch>
          </Suspense>
        </ErrorBoundary>
      </Shell>
    </SessionProvider>
  );
}
