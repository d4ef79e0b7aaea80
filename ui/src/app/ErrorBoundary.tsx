import { Component, type ReactNode } from "react";
import { ErrorState } from "@/parts/states";

/** A page that breaks says so and can be loaded again; the rest of the application stays. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    // A chunk that is gone after an update of the server: loading the page again brings the new one.
    if (error) return <ErrorState error={error} retry={() => location.reload()} page />;
    return this.props.children;
  }
}
